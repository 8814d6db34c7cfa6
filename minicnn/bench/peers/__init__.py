"""The contestants: minicnn, and what it is measured beside.

A library is imported only in the process that times it, when a network is prepared there.
"""

from __future__ import annotations

from .keras import Keras
from .minicnn import MiniCNN
from .peer import Peer
from .pytorch import PyTorch, PyTorchChannelsLast, PyTorchTuned
from .vectorized import Vectorized

PEERS: dict[str, type[Peer]] = {
    peer.name: peer for peer in (MiniCNN, PyTorch, PyTorchChannelsLast, PyTorchTuned, Keras, Vectorized)
}

__all__ = ["PEERS", "Peer"]
