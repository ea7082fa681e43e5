"""Linear maps in closed form, from which several layers start: ridge regression and roots of a covariance."""

import torch
from torch import Tensor, nn


def ridge_regression(inputs: Tensor, outputs: Tensor, ridge: float = 1e-3) -> tuple[Tensor, Tensor]:
    """Returns weight [out, in] and bias [out] of the linear layer with the smallest regularised squared error.

    Args:
        inputs: [n, in]
        outputs: [n, out]
        ridge: weight of the squared norm of the weights, as a share of the mean variance of the inputs. The bias is not
            regularised.
    """
    mean_in, mean_out = inputs.mean(0), outputs.mean(0)
    x, y = (inputs - mean_in).double(), (outputs - mean_out).double()
    gram = x.T @ x
    gram += ridge * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    weight = torch.linalg.solve(gram, x.T @ y).T.to(inputs.dtype)
    return weight, mean_out - weight @ mean_in


@torch.no_grad()
def set_linear(layer: nn.Linear, weight: Tensor, bias: Tensor) -> None:
    """Copies weight [out, in] and bias [out] into a layer."""
    layer.weight.copy_(weight)
    layer.bias.copy_(bias)


def covariance_roots(rows: Tensor, floor: float = 1e-3) -> tuple[Tensor, Tensor]:
    """Returns the covariance of rows [n, width] to the power of -1/2 and of 1/2, both [width, width].

    Args:
        rows: vectors, many more than they are wide.
        floor: added to the variance of each direction, as a share of the mean variance.
    """
    centred = rows - rows.mean(0)
    variance, axes = torch.linalg.eigh(centred.T @ centred / len(rows))
    variance = variance + floor * variance.mean()
    return (axes / variance.sqrt()) @ axes.T, (axes * variance.sqrt()) @ axes.T
