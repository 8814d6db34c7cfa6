"""Tables of bad calls, a file an area; ../test_bad_calls.py makes them."""

from . import data, files, functional, gradcheck, layers, losses, optimizers, training

TABLES = {
    module.__name__.split(".")[-1]: module.ROWS
    for module in (layers, functional, losses, optimizers, training, data, files, gradcheck)
}
ROWS = [row for rows in TABLES.values() for row in rows]
