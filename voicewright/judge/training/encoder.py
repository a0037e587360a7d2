"""Fine-tunes a cross-encoder: a small transformer that reads question, expected and actual answer together.

The base is the packaged sentence-embedding model. Labels are smoothed, because they are noisy. Actual answers are
misspelt as a recogniser misspells them, so that the model learns to read misspelt names. Expected and actual answers
are swapped, because it does not depend on their order whether they mean the same.
"""

import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn
from transformers import AutoModel, AutoTokenizer

from voicewright.judge.facts import compare_facts
from voicewright.judge.model.encoders.onnx_text import MAX_TOKENS
from voicewright.judge.pair import Pair, encoder_texts
from voicewright.judge.training.counterfactuals import counterfactuals

_NOISE = 0.25
_SWAP = 0.3
_SMOOTHING = 0.03


@dataclass(frozen=True)
class EncoderRecipe:
    """Hyperparameters: `rate` is the peak learning rate, `warm_up` a share of all steps."""

    epochs: int = 2
    batch: int = 32
    rate: float = 1e-4
    warm_up: float = 0.06
    counterfactuals: float = 0.0
    """Generated wrong answers, as a share of the pairs."""
    seed: int = 7


class CrossEncoder(nn.Module):
    """A mean-pooled transformer with one logit. The pooled vector is for the pair distribution."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.transformer = AutoModel.from_pretrained(base, add_pooling_layer=False)
        self.transformer.float()
        self.score = nn.Linear(self.transformer.config.hidden_size, 1)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Token ids of shape (n, length) to logits (n,) and pooled vectors (n, width)."""
        hidden = self.transformer(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * mask).sum(1) / mask.sum(1)
        return self.score(pooled).squeeze(-1), pooled


STAGES = (EncoderRecipe(), EncoderRecipe(epochs=1, rate=6e-5, counterfactuals=0.4, seed=8))
"""The recipes of the shipped model: first on the pairs alone, then with generated wrong answers among them."""


def misspell(text: str, rng: random.Random) -> str:
    """Misspell one or two words, as a recogniser does with names; never digits."""
    words = text.split()
    for _ in range(1 + (rng.random() < 0.4)):  # noqa: PLR2004 - one word or two
        at = [i for i, word in enumerate(words) if len(word) > 4 and word.isalpha()]  # noqa: PLR2004 - names are longer
        if not at:
            break
        index = rng.choice(at)
        words[index] = _misspelt(words[index], rng)
    return " ".join(words)


def _misspelt(word: str, rng: random.Random) -> str:
    spot = rng.randrange(1, len(word) - 1)
    kind = rng.random()
    if kind < 0.3:  # noqa: PLR2004 - thirds
        return word[:spot] + word[spot + 1 :]
    if kind < 0.6:  # noqa: PLR2004
        return word[:spot] + rng.choice("aeiourlnst") + word[spot + 1 :]
    if kind < 0.8:  # noqa: PLR2004
        return word[:spot] + word[spot] + word[spot:]
    return word[:spot] + " " + word[spot:]


def train(
    pairs: Sequence[Pair],
    labels: Sequence[int],
    base: Path,
    recipe: EncoderRecipe,
    *,
    start: CrossEncoder | None = None,
    progress: Callable[[str], None] = print,
) -> CrossEncoder:
    """Fit on pairs and labels (1 is a pass). Deterministic for one seed, machine and number of threads.

    Args:
        pairs: English pairs.
        labels: one for each pair.
        base: folder of the base model, in Hugging Face form.
        recipe: the hyperparameters.
        start: a model to continue from, instead of the base.
        progress: gets a line every 50 steps.
    """
    torch.manual_seed(recipe.seed)
    rng = random.Random(recipe.seed)  # noqa: S311 - shuffles
    if recipe.counterfactuals:
        made = counterfactuals(pairs, labels, int(recipe.counterfactuals * len(pairs)), rng)
        pairs, labels = [*pairs, *made], [*labels, *([0] * len(made))]
    tokenizer = AutoTokenizer.from_pretrained(str(base))
    model = start or CrossEncoder(str(base))
    model.transformer.embeddings.requires_grad_(requires_grad=False)
    decay = [p for p in model.parameters() if p.requires_grad and p.dim() > 1]
    rest = [p for p in model.parameters() if p.requires_grad and p.dim() <= 1]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}])
    texts = [encoder_texts(pair, compare_facts(pair.expected, pair.actual, pair.language)) for pair in pairs]
    steps = recipe.epochs * ((len(pairs) + recipe.batch - 1) // recipe.batch)
    step, began, running = 0, time.monotonic(), 0.0
    model.train()
    for epoch in range(recipe.epochs):
        for batch in _batches(texts, recipe.batch, rng):
            rate = recipe.rate * min(
                (step + 1) / (recipe.warm_up * steps), (steps - step) / ((1 - recipe.warm_up) * steps)
            )
            for group in optimizer.param_groups:
                group["lr"] = rate
            first, second = zip(*(_augmented(texts[i], rng) for i in batch), strict=True)
            tokens = tokenizer(
                list(first), list(second), truncation=True, max_length=MAX_TOKENS, padding=True, return_tensors="pt"
            )
            target = torch.tensor([labels[i] for i in batch], dtype=torch.float32)
            logits, _ = model(tokens["input_ids"], tokens["attention_mask"], tokens["token_type_ids"])
            loss = nn.functional.binary_cross_entropy_with_logits(logits, target * (1 - 2 * _SMOOTHING) + _SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            running = 0.98 * running + 0.02 * float(loss.detach())
            step += 1
            if step % 50 == 0:
                took = time.monotonic() - began
                left = took / step * (steps - step)
                progress(
                    f"epoch {epoch + 1}, step {step} of {steps}, loss {running:.3f}, {took:.0f} s, {left:.0f} s to go"
                )
    model.eval()
    return model


def _augmented(texts: tuple[str, str], rng: random.Random) -> tuple[str, str]:
    first, actual = texts
    question, expected = first.split(" | ", 1)
    if rng.random() < _SWAP:
        expected, actual = actual, expected
    if rng.random() < _NOISE:
        actual = misspell(actual, rng)
    if rng.random() < 0.2:  # noqa: PLR2004 - cases without a question
        question = ""
    return f"{question} | {expected}", actual


def _batches(texts: Sequence[tuple[str, str]], size: int, rng: random.Random) -> list[list[int]]:
    """Random batches of texts of similar length, which need little padding."""
    order = list(range(len(texts)))
    rng.shuffle(order)
    batches: list[list[int]] = []
    for at in range(0, len(order), size * 50):
        chunk = sorted(order[at : at + size * 50], key=lambda i: len(texts[i][0]) + len(texts[i][1]))
        batches += [chunk[i : i + size] for i in range(0, len(chunk), size)]
    rng.shuffle(batches)
    return batches


class SentenceModel(nn.Module):
    """The base model unchanged: mean-pooled unit vectors, as sentence-transformers gives them."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.transformer = AutoModel.from_pretrained(base, add_pooling_layer=False)
        self.transformer.float()

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """Token ids of shape (n, length) to vectors (n, width)."""
        hidden = self.transformer(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        return nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1))


def export(model: nn.Module, base: Path, out: Path) -> None:
    """Write `out`, ONNX with int8 weights for `TextModel`, and `tokenizer.json` beside it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(base / "tokenizer.json", out.parent / "tokenizer.json")
    example = torch.ones((2, 8), dtype=torch.int64)
    given = ["input_ids", "attention_mask", "token_type_ids"]
    found = ["score", "pooled"] if isinstance(model, CrossEncoder) else ["vector"]
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole.onnx"
        torch.onnx.export(
            model.eval(), (example, example, example), str(whole), input_names=given, output_names=found,
            dynamic_axes={name: {0: "texts", 1: "tokens"} for name in given} | {name: {0: "texts"} for name in found},
            opset_version=17, dynamo=False,
        )  # fmt: skip
        quantize_dynamic(whole, out, weight_type=QuantType.QInt8, per_channel=True)
