"""Inputs that are made to take time or memory: name -> what makes its bytes. Each is small, or packs to little."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

_HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd", **options)
    return sink.getvalue()


def one_list(items: Any) -> bytes:
    ends = pa.array([0, len(items)], pa.int32())
    return parquet({"lines": pa.ListArray.from_arrays(ends, items)}, store_schema=False)


def repeated(text: str, times: int) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array([0] * times, pa.int32()), pa.array([text]))


def warc(body: bytes, headers: bytes = b"") -> bytes:
    response = _HTTP + headers + b"\r\n" + body
    return b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: %d\r\n\r\n" % len(response) + response + b"\r\n\r\n"


def packed(pieces: Iterator[bytes]) -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    return b"".join(map(packer.compress, pieces)) + packer.flush()


def page(i: int) -> dict[str, str]:
    return {"html": f"<p class='{i} {'x' * 16_000}'>{i}</p>"}


MEMORY: dict[str, Callable[[], bytes]] = {
    "nested.html": lambda: b"".join(b"<div class='%s'>x" % (b"word " * 16) for _ in range(10_000)),
    "tables.html": lambda: b"<table><tr><td>x" * 7_000,
    "million.html": lambda: b"<div>" * 1_000_000 + b"x",
    "attributes.html": lambda: b"<div " + b" ".join(b"a%d" % i for i in range(200_000)) + b">x",
    "paragraphs.html": lambda: b"<p>x" * 49_000,
    "formatting.html": lambda: b"<p><b><i><u>x" * 5_000,
    "entities.html": lambda: b"<p>" + b"&nGg;" * 3_000_000,
    "one-text.parquet": lambda: parquet({"text": ["x" * 31_000_000] * 32}),
    "plain-text.parquet": lambda: parquet({"text": ["x" * 31_000_000] * 32}, use_dictionary=False),
    "list-of-one-text.parquet": lambda: one_list(repeated("x y" * 300_000, 3_000)),
    "list-of-structs.parquet": lambda: one_list(pa.StructArray.from_arrays([repeated("x y" * 300_000, 3_000)], ["text"])),
    "list-of-nothing.parquet": lambda: one_list(pa.nulls(50_000_000, pa.int8())),
    "fields.csv.gz": lambda: gzip.compress(b"text" + b",a" * 59 + b"\n" + b",".join([b'"' + b"x" * 20_000_000 + b'"'] * 60), 1),
    "columns.csv": lambda: b"text" + b"," * 4_000_000 + b"\n" + b"a" + b"," * 4_000_000,
    "classes.jsonl.gz": lambda: gzip.compress(b"".join(json.dumps(page(i)).encode() + b"\n" for i in range(5_000)), 1),
    "values.jsonl": lambda: b'{"text": "a", "more": [' + b"{}," * 10_000_000 + b"{}]}",
    "array.json": lambda: b"[" + b"{}," * 10_000_000 + b"{}]",
    "escapes.jsonl": lambda: b'{"text": "' + b"\\u1ea1" * 5_000_000 + b'"}',
    "long-line.txt": lambda: b"x" * 30_000_000,
    "no-lines.txt": lambda: "\n".join(["Tin mới nhất"] * 49_999).encode(),
    "long-page.txt": lambda: "\n".join(["Hai bên nhất trí nối lại đàm phán vào cuối tháng ở thủ đô."] * 47_000).encode(),
    "marks.txt": lambda: ("a" + "\u0315" * 80_000 + "\u0334" * 80_000).encode(),
    "bomb.jsonl.zst": lambda: packed(bytes(1 << 24) for _ in range(70)),
    "bomb.txt.gz": lambda: gzip.compress(bytes(1 << 30), 1),
    "row.jsonl.zst": lambda: packed(b'{"text": "' * (i == 0) + b"x y " * (1 << 22) for i in range(70)),
    "body.warc": lambda: warc(gzip.compress(b"<p>" + bytes(1 << 30), 1), b"Content-Encoding: gzip\r\n"),
    "codings.warc": lambda: warc(gzip.compress(gzip.compress(b"<p>" * (1 << 28), 1), 1), b"Content-Encoding: gzip, gzip\r\n"),
    "headers.warc": lambda: b"WARC/1.0\r\n" + b"".join(b"a%d: %s\r\n" % (i, b"x" * 60_000) for i in range(2_000)) + b"\r\n",
    "empty-rows.jsonl.gz": lambda: gzip.compress(b"{}\n" * 4_000_000, 1),
}
"""What takes memory, by the lists of issues and by trial."""

TIME: dict[str, Callable[[], bytes]] = {
    "hopes.txt": lambda: b"<!---->" * 300,
    "charsets.html": lambda: b"<meta" * 100 + b" charset=" + b" " * 3_500 + b"!\xff",
    "marks.txt": MEMORY["marks.txt"],
    "cdata.html": lambda: b"<![CDATA[" * 100_000,
    "quotes.html": lambda: b"<p a='" * 100_000,
    "scripts.html": lambda: b"<script><!--<script>" * 50_000,
    "spaces.txt": lambda: b"<p" + b" " * 3_000_000 + b"!",
    "slashes.csv": lambda: b'id,text\n1,"' + b'\\"' * 3_000_000 + b"\n",
    "open-quotes.csv": lambda: b"id,text\n" + b'1,"a\n' * 50_000,
}
"""What took time that grows faster than the input."""
