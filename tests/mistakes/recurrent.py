"""Recurrent cells, one step each (RNN, GRU, LSTM), and an RNN over a whole sequence.

RNN     h' = tanh(x wx + h wh + b)                                                              (1)
GRU     z = sigmoid([x h] wz),  r = sigmoid([x h] wr),  c = tanh([x, r h] wc),  h' = (1 - z) c + z h    (2)
LSTM    c' = f c + i g,  h' = o tanh(c')        i, f, o, g from [x h] w                         (3)
"""

import numpy as np

from .mistake import Operation, mistake


def sigmoid(x):
    return (1 + np.tanh(x / 2)) / 2


# ---- RNN cell ----


def rnn_forward(x, h, wx, wh, b):
    new = np.tanh(x @ wx + h @ wh + b)  # (1)
    return new, (x, h, wx, wh, new)


def rnn_backward(dy, cache):
    x, h, wx, wh, new = cache
    d = dy * (1 - new**2)
    return d @ wx.T, d @ wh.T, x.T @ d, h.T @ d, d.sum(axis=0)


def draw_rnn(rng, n, i, k):
    return (
        rng.normal(size=(n, i)),
        rng.normal(size=(n, k)),
        rng.normal(size=(i, k)),
        rng.normal(size=(k, k)),
        rng.normal(size=k),
    )


SIZES = {"n": 5, "i": 3, "k": 4}
rnn = Operation("RNN cell", rnn_forward, rnn_backward, draw_rnn, SIZES)


@mistake("factor-batch", rnn)
def bias_averaged(dy, cache):
    """The loss has divided by N already."""
    dx, dh, dwx, dwh, db = rnn_backward(dy, cache)
    return dx, dh, dwx, dwh, db / len(dy)


@mistake("transposed", rnn)
def hidden_weights_transposed(dy, cache):
    """h^T d has the old state as rows."""
    dx, dh, dwx, dwh, db = rnn_backward(dy, cache)
    return dx, dh, dwx, dwh.T, db


@mistake("transposed", rnn)
def hidden_state_through_untransposed_weights(dy, cache):
    """The gradient goes back through wh^T."""
    _, _, _, wh, new = cache
    dx, _, *others = rnn_backward(dy, cache)
    return dx, (dy * (1 - new**2)) @ wh, *others


@mistake("sign-flipped", rnn)
def tanh_with_the_wrong_sign(dy, cache):
    """1 - y^2, not y^2 - 1."""
    return tuple(-gradient for gradient in rnn_backward(dy, cache))


@mistake("zero-gradient", rnn)
def hidden_state_taken_for_a_constant(dy, cache):
    """Without dh, nothing flows to the step before."""
    _, h, *_ = cache
    dx, _, *others = rnn_backward(dy, cache)
    return dx, np.zeros_like(h), *others


@mistake("upstream-ignored", rnn)
def bias_without_upstream(dy, cache):
    """The chain rule's factor dy is missing."""
    new = cache[4]
    *others, _ = rnn_backward(dy, cache)
    return *others, (1 - new**2).sum(axis=0)


# ---- RNN over a sequence (N, T, I): all states come out ----


def sequence_forward(x, wx, wh):
    states = [np.zeros((len(x), len(wh)))]
    for t in range(x.shape[1]):
        states.append(np.tanh(x[:, t] @ wx + states[-1] @ wh))
    return np.stack(states[1:], axis=1), (x, wx, wh, states)


def sequence_backward(dy, cache):
    x, wx, wh, states = cache
    dx, dwx, dwh, dh = np.zeros_like(x), np.zeros_like(wx), np.zeros_like(wh), 0
    for t in reversed(range(x.shape[1])):
        d = (dy[:, t] + dh) * (1 - states[t + 1] ** 2)
        dwx += x[:, t].T @ d
        dwh += states[t].T @ d
        dx[:, t], dh = d @ wx.T, d @ wh.T
    return dx, dwx, dwh


def draw_sequence(rng, n, t, i, k):
    return rng.normal(size=(n, t, i)), rng.normal(size=(i, k)), rng.normal(size=(k, k))


sequence = Operation(
    "RNN over time", sequence_forward, sequence_backward, draw_sequence, {"n": 3, "t": 5, "i": 2, "k": 4}
)


@mistake("overwritten", sequence)
def weights_of_the_first_moment(dy, cache):
    """The same weights serve at every moment: `=` forgets all but the moment that comes last in the loop."""
    x, wx, wh, states = cache
    dx, dh = np.zeros_like(x), 0
    for t in reversed(range(x.shape[1])):
        d = (dy[:, t] + dh) * (1 - states[t + 1] ** 2)
        dwx = x[:, t].T @ d
        dx[:, t], dh = d @ wx.T, d @ wh.T
    return dx, dwx, sequence_backward(dy, cache)[2]


@mistake("term-missing", sequence, also=("diagonal-jacobian",))  # outputs as if independent of earlier inputs
def nothing_through_the_hidden_state(dy, cache):
    """h_t reaches y_t and all that comes after."""
    x, wx, _, states = cache
    dx, dwx, dwh = np.zeros_like(x), 0, 0
    for t in range(x.shape[1]):
        d = dy[:, t] * (1 - states[t + 1] ** 2)
        dwx, dwh = dwx + x[:, t].T @ d, dwh + states[t].T @ d
        dx[:, t] = d @ wx.T
    return dx, dwx, dwh


@mistake("shifted", sequence)
def filled_from_the_other_end(dy, cache):
    """Gradients were appended one step late: dx of moment t stands at t + 1."""
    dx, dwx, dwh = sequence_backward(dy, cache)
    return np.roll(dx, 1, axis=1), dwx, dwh


# ---- GRU cell ----


def gru_forward(x, h, wz, wr, wc):
    xh = np.concatenate([x, h], axis=1)
    z, r = sigmoid(xh @ wz), sigmoid(xh @ wr)
    xrh = np.concatenate([x, r * h], axis=1)
    c = np.tanh(xrh @ wc)
    return (1 - z) * c + z * h, (xh, xrh, h, z, r, c, wz, wr, wc)  # (2)


def gru_backward(dy, cache, update_sign=1.0):
    xh, xrh, h, z, r, c, wz, wr, wc = cache
    inputs = xh.shape[1] - h.shape[1]
    dc = dy * (1 - z) * (1 - c**2)
    dz = update_sign * dy * (h - c) * z * (1 - z)
    dxrh = dc @ wc.T
    dr = dxrh[:, inputs:] * h * r * (1 - r)
    dxh = dz @ wz.T + dr @ wr.T
    dx = dxh[:, :inputs] + dxrh[:, :inputs]
    dh = dxh[:, inputs:] + dxrh[:, inputs:] * r + dy * z
    return dx, dh, xh.T @ dz, xh.T @ dr, xrh.T @ dc


def draw_gru(rng, n, i, k):
    return rng.normal(size=(n, i)), rng.normal(size=(n, k)), *rng.normal(size=(3, i + k, k))


gru = Operation("GRU cell", gru_forward, gru_backward, draw_gru, SIZES)


@mistake("sign-flipped", gru)
def update_gate_the_wrong_way_round(dy, cache):
    """h' = (1 - z) c + z h has the derivative h - c by z; dx and dh suffer as well."""
    return gru_backward(dy, cache, update_sign=-1.0)


@mistake("factor-batch", gru)
def candidate_weights_averaged(dy, cache):
    """The loss has divided by N already."""
    *others, dwc = gru_backward(dy, cache)
    return *others, dwc / len(dy)


@mistake("term-missing", gru)
def direct_path_forgotten(dy, cache):
    """h comes through the gates, and directly: plus z dy."""
    dx, dh, *weights = gru_backward(dy, cache)
    z = cache[3]
    return dx, dh - dy * z, *weights


@mistake("order-scrambled", gru, also=("shifted",))  # rows go round in a circle
def state_before_input(dy, cache):
    """wr has the rows of x first, then those of h."""
    dx, dh, dwz, dwr, dwc = gru_backward(dy, cache)
    inputs = dx.shape[1]
    return dx, dh, dwz, np.concatenate([dwr[inputs:], dwr[:inputs]]), dwc


@mistake("zero-gradient", gru)
def reset_gate_without_gradient(dy, cache):
    """The reset gate learns through r h."""
    dx, dh, dwz, dwr, dwc = gru_backward(dy, cache)
    return dx, dh, dwz, np.zeros_like(dwr), dwc


@mistake("unrecognized", gru)  # no code is about taking one array for another
def candidate_weights_see_the_unreset_state(dy, cache):
    """The candidate saw r h, not h."""
    xh, _, _, z, _, c, *_ = cache
    *others, _ = gru_backward(dy, cache)
    return *others, xh.T @ (dy * (1 - z) * (1 - c**2))


# ---- LSTM cell: two outputs ----


def lstm_forward(x, h, c, w):
    xh = np.concatenate([x, h], axis=1)
    i, f, o, g = np.split(xh @ w, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    new = f * c + i * g  # (3)
    return (o * np.tanh(new), new), (xh, c, w, i, f, o, g, new)


def lstm_backward(dy, cache):
    xh, c, w, i, f, o, g, new = cache
    dh, dc = dy
    t = np.tanh(new)
    dnew = dc + dh * o * (1 - t**2)
    gates = [dnew * g * i * (1 - i), dnew * c * f * (1 - f), dh * t * o * (1 - o), dnew * i * (1 - g**2)]
    d = np.concatenate(gates, axis=1)
    dxh = d @ w.T
    inputs = xh.shape[1] - c.shape[1]
    return dxh[:, :inputs], dxh[:, inputs:], dnew * f, xh.T @ d


def draw_lstm(rng, n, i, k):
    return rng.normal(size=(n, i)), rng.normal(size=(n, k)), rng.normal(size=(n, k)), rng.normal(size=(i + k, 4 * k))


lstm = Operation("LSTM cell", lstm_forward, lstm_backward, draw_lstm, {"n": 5, "i": 3, "k": 2})


@mistake("factor-batch", lstm)
def weights_averaged(dy, cache):
    """The loss has divided by N already."""
    *others, dw = lstm_backward(dy, cache)
    return *others, dw / len(cache[0])


@mistake("order-scrambled", lstm)
def gates_in_another_order(dy, cache):
    """i, f, o, g in the forward pass; i, f, g, o in the backward pass."""
    *others, dw = lstm_backward(dy, cache)
    i, f, o, g = np.split(dw, 4, axis=1)
    return *others, np.concatenate([i, f, g, o], axis=1)


@mistake("sign-flipped", lstm)
def cell_with_a_minus(dy, cache):
    """c' = f c + i g: a plus."""
    dx, dh, dc, dw = lstm_backward(dy, cache)
    return dx, dh, -dc, dw
