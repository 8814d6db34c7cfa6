"""What to try next, for each code of a finding: one thing to do, in the order in which it helps."""

ADVICE = {
    # ---- the two functions' conduct: first, since the numbers mean little before ----
    "wrong-shape": "Give each gradient the shape of its variable first; the numbers come after.",
    "not-repeatable": "Make forward a function of its arguments. Let randomness come in as one of them, a generator, "
    "or name the generator: check(..., rng=rng).",
    "backward-not-repeatable": "Let backward start from zeros and leave the cache as it is, then check again.",
    "argument-modified": "Work on a copy, or write `a = a + b` in place of `a += b`.",
    "non-finite": "Print the values on the way and find the first that is not finite: 1 / 0, log(0), sqrt(0)?",
    "low-precision": "Let the arrays keep their dtype: a check needs float64 from end to end.",
    "upstream-ignored": "Begin backward with dy: by the chain rule, dy multiplies every term once.",
    "zero-gradient": "See that the gradient is computed, added up and returned, and not only initialized.",
    # ---- a factor ----
    "factor-batch": "Decide where the mean over the batch is taken, in the loss or nowhere; divide by N only there.",
    "factor-constant": "Write down the derivative of this one line again: where does the constant come in?",
    "sign-flipped": "Look for a difference: d(a - b)/db = -1. Write down which of the two terms this variable is.",
    "factor-per-channel": "Follow one channel from dy to the result: what is it multiplied by on the way forward?",
    # ---- the right numbers in the wrong places ----
    "transposed": "Print the shapes of both factors of the product; make sizes differ (N, C, H, W all unequal) and "
    "check again: then a wrong order cannot pass unseen.",
    "flipped-kernel": "Take one output pixel and one kernel weight, and write down which input pixel they meet.",
    "order-scrambled": "Undo forward's steps one by one, last first: every reshape after a transpose needs "
    "its own reshape and then the inverse transpose.",
    "shifted": "Compare forward's padding with the crop in backward: as many cells at each side.",
    "overwritten": "Use += where windows overlap, or np.add.at for indices that repeat.",
    "stride-ignored": "Output (i, j) belongs to the window that starts at (i * stride, j * stride), in backward too.",
    # ---- selection ----
    "spread-over-window": "Keep forward's argmax and give the whole gradient to that one place.",
    "tie-double-counted": "Keep the index of one maximum (argmax), not the mask `x == maximum`, which is true at ties.",
    "mask-missing": "Keep forward's mask in the cache and multiply dy by it.",
    "mask-unscaled": "Keep the scaled mask, m / keep, in the cache: one array serves both passes.",
    # ---- normalization ----
    "mean-term-missing": "Go through the computing graph: which lines use the mean, and does x get a gradient from it?",
    "variance-term-missing": "Go through the computing graph: x enters the variance too. Does its gradient come back?",
    "statistics-held-constant": "In training, mean and variance depend on x: add the gradient through each.",
    "statistics-over-wrong-axes": "Sum in backward over the axes that forward averaged over; divide by their count.",
    "uses-input-not-normalized": "Keep x-hat in the cache: y = gamma x-hat + beta, so that dgamma = sum of dy x-hat.",
    # ---- losses and softmax ----
    "label-term-missing": "The gradient of the loss by the logits is p - one_hot(labels): subtract 1 at the labels.",
    "diagonal-jacobian": "Each softmax output depends on every logit: dx = p * (dy - sum(dy * p)).",
    "regularizer-wrong": "Compare loss and gradient of the regularizer: l/2 * w**2 has the gradient l * w.",
    # ---- what is left ----
    "term-missing": "See which path from the variable to the loss makes the term, and add the gradient along it.",
    "unrecognized": "Check a smaller case by hand: one example, one channel, kernels of one cell.",
    "not-differentiable-here": "To check the entries on kinks too, move them off, e.g. with random values.",
}
TRACE = "Write backward in steps and let gradcheck.trace find the first wrong one of the intermediate gradients."
