"""The lesson's network in PyTorch
===============================

The same network, data and settings as ``lesson_network.py``, to see whether minicnn learns as well (needs
``pip install torch``)::

    python examples/lesson_network_in_pytorch.py FILE.npz --seed 0

What differs by name or by convention: images lie as (N, C, H, W) there; the batch norm's momentum is the share of the
new statistics, so 0.99 here is 0.01 there; its running variance divides by M - 1 where minicnn, like Keras, divides by
M; and what ``he_uniform`` with biases of zero is here has to be asked for there.
"""

import argparse
from pathlib import Path

from lesson_network import load


def lesson_network():
    from torch import nn

    layers, channels = [], 3
    for filters, rate in ((64, 0.2), (128, 0.3), (256, 0.5)):
        layers += [nn.Conv2d(channels, filters, 3, padding="same"), nn.ReLU()]
        layers += [nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01), nn.MaxPool2d(2), nn.Dropout(rate)]
        channels = filters
    layers += [nn.Flatten(), nn.Linear(256 * 4 * 4, 128), nn.ReLU()]
    layers += [nn.BatchNorm1d(128, eps=1e-3, momentum=0.01), nn.Dropout(0.5), nn.Linear(128, 1)]
    for layer in layers:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


def main(argv=None):
    parser = argparse.ArgumentParser(description="Train the lesson's network in PyTorch, for comparison.")
    parser.add_argument("data", type=Path, nargs="?", help="as for lesson_network.py")
    parser.add_argument("--epochs", type=int, default=10, help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    options = parser.parse_args(argv)
    try:
        import torch
    except ModuleNotFoundError:
        parser.error("this example needs PyTorch, which minicnn does not: pip install torch")
    try:
        data = load(options.data)
    except (OSError, TypeError, ValueError, ModuleNotFoundError) as error:
        parser.error(str(error))

    def tensors(split):
        images = torch.from_numpy(split.images).permute(0, 3, 1, 2)
        return images.contiguous(memory_format=torch.channels_last), torch.from_numpy(split.labels).float()

    torch.manual_seed(options.seed)
    model = lesson_network().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loss = torch.nn.BCEWithLogitsLoss()
    (x, labels), (x_test, labels_test) = tensors(data.train), tensors(data.test)
    for epoch in range(1, options.epochs + 1):
        right = 0
        model.train()
        for batch in torch.randperm(len(x)).split(20):
            logits = model(x[batch])[:, 0]
            optimizer.zero_grad()
            loss(logits, labels[batch]).backward()
            optimizer.step()
            right += ((logits > 0) == labels[batch]).sum().item()
        model.eval()
        with torch.no_grad():
            logits = torch.cat([model(images)[:, 0] for images in x_test.split(250)])
        test = ((logits > 0) == labels_test).float().mean()
        print(f"epoch {epoch:2}: training accuracy {right / len(x):.3f} (mean over the epoch), ", end="")
        print(f"validation accuracy {test:.3f}", flush=True)


if __name__ == "__main__":
    main()
