"""Model folders that are damaged or hostile, and prompts that can't be used."""
import json
import os
import struct

from harness import case, cases

HUGE = 1 << 62  # a number that an attacker writes


class Model:
    """A copy of the shipped model, taken apart: links to its files until one is replaced."""

    def __init__(self, setup):
        self.setup = setup
        self.folder = setup.folder / "model"
        self.folder.mkdir()
        for name in ("config.json", "tokenizer.model", "model.safetensors"):
            (self.folder / name).symlink_to((setup.model / name).resolve())
        raw = (setup.model / "model.safetensors").read_bytes()
        (size,) = struct.unpack("<Q", raw[:8])
        self.header = json.loads(raw[8:8 + size])
        self.data = raw[8 + size:]

    def replace(self, name, content):
        (self.folder / name).unlink(missing_ok=True)
        if content is not None:
            (self.folder / name).write_bytes(
                content if isinstance(content, bytes) else content.encode())

    def write_tensors(self):
        text = json.dumps(self.header).encode()
        self.replace("model.safetensors", struct.pack("<Q", len(text)) + text + self.data)

    def refused(self, mentions):
        self.setup.refused("run", "--model", self.folder, "--device", "cpu", mentions=mentions)
        self.setup.peak_is_small()


EMBEDDING = "model.embed_tokens.weight"
NORM = "model.norm.weight"
FILE = "model.safetensors"

# ---- The file of tensors -----------------------------------------------------------------------

RAW = {
    "tensors_missing": (None, [FILE]),
    "tensors_empty": (b"", [FILE, "0 bytes"]),
    "tensors_seven_bytes": (b"\0" * 7, [FILE, "7 bytes"]),
    "tensors_header_of_nothing": (struct.pack("<Q", 0), [FILE]),
    "tensors_header_beyond_the_file": (struct.pack("<Q", 1000) + b"{}", [FILE, "1000"]),
    "tensors_header_huge": (struct.pack("<Q", 1 << 40) + b"{}", [FILE, str(1 << 40)]),
    "tensors_header_wraps": (struct.pack("<Q", (1 << 64) - 8) + b"{}", [FILE, str((1 << 64) - 8)]),
    "tensors_header_no_json": (struct.pack("<Q", 8) + b"not json", [FILE]),
    "tensors_header_a_list": (struct.pack("<Q", 2) + b"[]", [FILE]),
    "tensors_header_deep": (struct.pack("<Q", 200000) + b"[" * 200000, [FILE]),
    "tensors_header_invalid_utf8": (struct.pack("<Q", 12) + b'{"\xff\xfe": {}}', [FILE]),
    "tensors_of_zeros": (bytes(1 << 16), [FILE]),
    "tensors_of_text": (b"I am not a file of tensors at all.\n" * 100, [FILE]),
}


def raw_tensors(setup, content, mentions):
    model = Model(setup)
    model.replace(FILE, content)
    model.refused(mentions)


cases({name: lambda setup, row=row: raw_tensors(setup, *row) for name, row in RAW.items()})


def entry(header, name=EMBEDDING):
    return header[name]


def lie(shape, dtype=None):
    def change(model):
        entry(model.header)["shape"] = shape
        if dtype:
            entry(model.header)["dtype"] = dtype
    return change


def move(offsets):
    def change(model):
        entry(model.header)["data_offsets"] = offsets
    return change


def overlap(model):
    first, second = (f"model.layers.0.mlp.{name}_proj.weight" for name in ("gate", "up"))
    model.header[second]["data_offsets"] = model.header[first]["data_offsets"]


def rename(to):
    def change(model):
        model.header[to] = model.header.pop(NORM)
    return change


def cut(model):
    model.data = model.data[:-100]


def lengthen(model):
    model.data += bytes(100)


def drop_field(model):
    del entry(model.header)["dtype"]


def add_field(model):
    entry(model.header)["stride"] = [1]


TABLE = {
    "table_cut_data": (cut, [FILE, "byte"]),
    "table_oversized_data": (lengthen, [FILE, "100 bytes", "byte"]),
    "table_overlapping": (overlap, [FILE, "byte", "mlp"]),
    "table_offsets_backwards": (move([1048576, 0]), [FILE, EMBEDDING, "1048576"]),
    "table_offsets_huge": (move([HUGE, HUGE + 1048576]), [FILE, "tensor", "byte"]),
    "table_offsets_negative": (move([-1, 1048575]), [FILE, EMBEDDING, "data_offsets"]),
    "table_offsets_three": (move([0, 1, 2]), [FILE, EMBEDDING, "data_offsets"]),
    "table_offsets_fraction": (move([0.5, 1048576.5]), [FILE, EMBEDDING, "data_offsets"]),
    "table_shape_lies": (lie([4096, 256]), [FILE, EMBEDDING, "2097152"]),
    "table_shape_overflows": (lie([HUGE, HUGE]), [FILE, EMBEDDING, "more bytes"]),
    "table_shape_huge": (lie([HUGE // 2]), [FILE, EMBEDDING]),
    "table_shape_negative": (lie([-2048, 256]), [FILE, EMBEDDING, "shape"]),
    "table_shape_rank_1000": (lie([1] * 1000), [FILE, EMBEDDING, "shape"]),
    "table_shape_transposed": (lie([256, 2048]), [FILE, EMBEDDING, "config.json"]),
    "table_dtype_unknown": (lie([2048, 256], "F99"), [FILE, EMBEDDING, "'F99'"]),
    "table_dtype_unsupported": (lie([2048, 256], "I16"), [FILE, EMBEDDING, "I16", "BF16"]),
    "table_dtype_lies": (lie([2048, 256], "F32"), [FILE, EMBEDDING, "2097152"]),
    "table_dtype_missing": (drop_field, [FILE, EMBEDDING, "'dtype'"]),
    "table_unknown_field": (add_field, [FILE, EMBEDDING, "'stride'"]),
    "table_tensor_missing": (rename("model.layers.99.weight"), [FILE, "model"]),
    "table_name_of_control_characters": (rename("\x1b[2J\n\0evil"), [FILE]),
    "table_name_of_a_megabyte": (rename("x" * (1 << 20)), [FILE]),
}


def tensor_table(setup, change, mentions):
    model = Model(setup)
    change(model)
    model.write_tensors()
    model.refused(mentions)


cases({name: lambda setup, row=row: tensor_table(setup, *row) for name, row in TABLE.items()})


@case
def table_name_twice(setup):
    model = Model(setup)
    text = json.dumps(model.header)
    twice = (text[:-1] + f', "{NORM}": ' + json.dumps(model.header[NORM]) + "}").encode()
    model.replace(FILE, struct.pack("<Q", len(twice)) + twice + model.data)
    model.refused([FILE, NORM, "twice"])


INDEX = "model.safetensors.index.json"
SHARDS = {
    "shard_missing": ({"weight_map": {EMBEDDING: "nowhere.safetensors"}}, ["nowhere.safetensors"]),
    "shard_outside_the_folder": ({"weight_map": {EMBEDDING: "../../etc/passwd"}}, [INDEX, "etc"]),
    "shard_absolute": ({"weight_map": {EMBEDDING: "/etc/passwd"}}, [INDEX, "/etc/passwd"]),
    "shard_no_map": ({"metadata": {}}, [INDEX, "weight_map"]),
    "shard_map_of_numbers": ({"weight_map": {EMBEDDING: 7}}, [INDEX, EMBEDDING]),
}


def shards(setup, index, mentions):
    model = Model(setup)
    model.replace(FILE, None)
    model.replace(INDEX, json.dumps(index))
    model.refused(mentions)


cases({name: lambda setup, row=row: shards(setup, *row) for name, row in SHARDS.items()})

# ---- config.json -------------------------------------------------------------------------------

CONFIG = {
    "config_nan": ({"rms_norm_eps": float("nan")}, ["config.json"]),
    "config_infinite": ({"rope_theta": float("inf")}, ["config.json"]),
    "config_nan_as_text": ({"rms_norm_eps": "NaN"}, ["config.json", "'rms_norm_eps'", "NaN"]),
    "config_eps_zero": ({"rms_norm_eps": 0.0}, ["config.json", "'rms_norm_eps'"]),
    "config_eps_negative": ({"rms_norm_eps": -1e-5}, ["config.json", "'rms_norm_eps'"]),
    "config_theta_negative": ({"rope_theta": -1.0}, ["config.json", "'rope_theta'"]),
    "config_hidden_zero": ({"hidden_size": 0}, ["config.json", "'hidden_size'", "0"]),
    "config_hidden_negative": ({"hidden_size": -256}, ["config.json", "'hidden_size'", "-256"]),
    "config_hidden_huge": ({"hidden_size": HUGE}, ["config.json", "'hidden_size'", str(HUGE)]),
    "config_hidden_fraction": ({"hidden_size": 0.5}, ["config.json", "'hidden_size'"]),
    "config_hidden_text": ({"hidden_size": "256"}, ["config.json", "'hidden_size'"]),
    "config_hidden_other": ({"hidden_size": 512}, [FILE, "config.json"]),
    "config_vocabulary_largest": ({"vocab_size": 1 << 24}, ["config.json", FILE]),
    "config_layers_largest": ({"num_hidden_layers": 1 << 10}, ["config.json", FILE]),
    "config_layers_huge": ({"num_hidden_layers": 1 << 40}, ["config.json", "'num_hidden_layers'"]),
    "config_layers_fewer": ({"num_hidden_layers": 5}, ["config.json", FILE]),
    "config_heads_do_not_divide": ({"num_key_value_heads": 3}, ["config.json", "3"]),
    "config_head_dim_odd": ({"head_dim": 31}, ["config.json", "head_dim"]),
    "config_other_architecture": ({"architectures": ["Mamba"]}, ["config.json", "architectures"]),
    "config_with_bias": ({"attention_bias": True}, ["config.json", "'attention_bias'"]),
    "config_quantized": ({"quantization_config": {}}, ["config.json", "'quantization_config'"]),
    "config_bos_beyond_vocabulary": ({"bos_token_id": 2048}, ["config.json", "bos_token_id"]),
    "config_eos_negative": ({"eos_token_id": -7}, ["config.json", "eos_token_id"]),
}


def changed_config(model, changes):
    config = json.loads((model.folder / "config.json").read_text())
    config.update(changes)
    model.replace("config.json", json.dumps(config))


def config_field(setup, changes, mentions):
    model = Model(setup)
    changed_config(model, changes)
    model.refused(mentions)


cases({name: lambda setup, row=row: config_field(setup, *row) for name, row in CONFIG.items()})

CONFIG_TEXT = {
    "config_missing": None,
    "config_empty": "",
    "config_cut": '{"architectures": ["LlamaFor',
    "config_a_list": "[]",
    "config_deep": "[" * 100000,
    "config_binary": b"\x7fELF\0\0",
    "config_field_twice": '{"hidden_size": 1, "hidden_size": 2}',
    "config_huge": "{" + " " * (2 << 20) + "}",
}


def config_text(setup, text):
    model = Model(setup)
    model.replace("config.json", text)
    model.refused(["config.json"])


cases({name: lambda setup, text=text: config_text(setup, text)
       for name, text in CONFIG_TEXT.items()})


@case
def config_context_of_a_billion(setup):
    """Allowed, and nothing is allocated for it."""
    model = Model(setup)
    changed_config(model, {"max_position_embeddings": 1 << 30})
    text = setup.write("text", "And it came to pass.")
    words = ("run", "--model", model.folder, "--device", "cpu")
    setup.works(*words, "--tokens", "4", "--prompt", "A")
    setup.works(*words, "--perplexity", text)
    setup.peak_is_small()
    # What the user asks for is a different thing, refused where memory ends.
    setup.refused(*words, "--tokens", str(1 << 29), "--prompt", "A", mentions=["bytes"])


# ---- The tokenizer -----------------------------------------------------------------------------

TOKENIZER = {
    "tokenizer_missing": lambda data: None,
    "tokenizer_empty": lambda data: b"",
    "tokenizer_of_text": lambda data: b"I am not a tokenizer\n" * 50,
    "tokenizer_of_json": lambda data: b'{"model": {"vocab": {}}}',
    "tokenizer_cut": lambda data: data[:len(data) // 2],
    "tokenizer_of_zeros": lambda data: bytes(len(data)),
    "tokenizer_of_ones": lambda data: b"\xff" * len(data),
    "tokenizer_with_a_huge_length": lambda data: b"\x0a\xff\xff\xff\xff\x7f" + data[6:],
    "tokenizer_and_more": lambda data: data + b"\xff\xff\xff",
}


def bad_tokenizer(setup, damage):
    model = Model(setup)
    model.replace("tokenizer.model", damage((setup.model / "tokenizer.model").read_bytes()))
    model.refused(["tokenizer.model"])


cases({name: lambda setup, damage=damage: bad_tokenizer(setup, damage)
       for name, damage in TOKENIZER.items()})

# ---- The folder --------------------------------------------------------------------------------


@case
def model_missing(setup):
    setup.refused("run", "--model", "nowhere", mentions=["nowhere", "--model"])


@case
def model_is_a_file(setup):
    file = setup.write("file", "")
    setup.refused("run", "--model", file, mentions=[file, "--model"])


@case
def model_is_empty(setup):
    (setup.folder / "model").mkdir()
    setup.refused("run", "--model", "model", mentions=["config.json", "--model"])


@case
def model_of_pipes(setup):
    """A pipe nobody writes to must not be waited for."""
    for name in ("config.json", "tokenizer.model", FILE):
        folder = setup.folder / name.replace(".", "_")
        folder.mkdir()
        model = Model.__new__(Model)
        for other in ("config.json", "tokenizer.model", FILE):
            (folder / other).symlink_to((setup.model / other).resolve())
        (folder / name).unlink()
        os.mkfifo(folder / name)
        model.setup, model.folder = setup, folder
        model.refused([name, "not a regular file"])


@case
def model_name_of_control_characters(setup):
    setup.refused("run", "--model", "a\x1b[2J\nb", mentions=["config.json"])


# ---- Prompts and texts -------------------------------------------------------------------------

PROMPTS = {
    "prompt_invalid_utf8": (b"ab\xff\xfe", ["--prompt", "byte 2"]),
    "prompt_cut_utf8": (b"ab\xe2\x82", ["--prompt", "byte 2"]),
    "prompt_surrogate": (b"\xed\xa0\x80", ["--prompt", "byte 0"]),
    "prompt_overlong_utf8": (b"a\xc0\xaf", ["--prompt", "byte 1"]),
    "prompt_beyond_the_context": (b"word " * 2000, ["--prompt", "512", "shorten"]),
}
cases({name: lambda setup, row=row: setup.refused("run", "--device", "cpu", "--prompt", row[0],
                                                  mentions=row[1])
       for name, row in PROMPTS.items()})


@case
def tokens_beyond_the_context(setup):
    setup.refused("run", "--device", "cpu", "--tokens", "1000000000",
                  mentions=["--tokens 1000000000", "512", "shorten"])


@case
def prompts_at_the_edge(setup):
    words = ("run", "--device", "cpu", "--tokens", "2", "--json", "--prompt")
    for prompt in ("", " ", "\n", "\U0001f600", "A" * 300):
        result = setup.works(*words, prompt)
        assert json.loads(result.out)["prompt"] == prompt


TEXTS = {
    "text_missing": ("nowhere.txt", ["nowhere.txt"]),
    "text_is_a_folder": ("/", ["/:", "directory"]),
    "text_never_ends": ("/dev/zero", ["/dev/zero", "64 MiB"]),
    "text_empty": ("/dev/null", ["/dev/null", "no text"]),
    "text_invalid_utf8": ("/proc/self/exe", ["/proc/self/exe", "byte", "UTF-8"]),
}
cases({name: lambda setup, row=row: setup.refused("run", "--device", "cpu", "--perplexity", row[0],
                                                  mentions=row[1])
       for name, row in TEXTS.items()})
