# SPDX-License-Identifier: Apache-2.0
"""docs/API.md, made from the public headers and their comments (scripts/api_docs)."""
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "API.md"
# One thing of a header, in order of trying. A function's body is skipped; what stands behind a line belongs to it.
ITEM = re.compile(r"""
    (?P<comment>/\*.*?\*/) | (?P<directive>\#(?:[^\n]|\\\n)*) | (?P<linkage>extern\ "C"\ \{|^\}) |
    (?P<typedef>(?:__extension__\ )?typedef\ (?:(?:struct|enum)\ \w+\ \{(?:[^\n]*\}|.*?^\})|[^;{]*)
        [^;\n]*;) |
    (?P<function>TICKMLP_API\ [^;]*;) |
    (?P<inline>static\ inline\ [^{]*)(?:\{[^\n]*\}$|\{.*?^\})
    """, re.VERBOSE | re.DOTALL | re.MULTILINE)


@dataclass
class Function:
    name: str
    declaration: str
    comment: str
    threads: str = ""
    cost: str = ""

    @property
    def errors(self) -> list[str]:
        """The statuses after "Error(s):", without what stands in brackets."""
        found = re.search(r"Errors?:([^.]*)", re.sub(r"\([^)]*\)", "", self.comment))
        return [word for word in re.findall(r"\b[A-Z][A-Z_]{3,}\*?", found.group(1)) if word != "NULL"] if found else []

    @property
    def arrays(self) -> list[str]:
        """Parameters that point to numbers."""
        return re.findall(r"(?:float|double|uint\d+_t|int)\*\*? (\w+)[,)]", self.declaration)


@dataclass
class Header:
    path: Path
    about: str = ""
    parts: list = field(default_factory=list)  # sections (str), typedefs (tuple of comment and code), functions


def words(comment: str) -> str:
    """A comment's text in one paragraph, lists kept."""
    text = re.sub(r"^\s*\*? ?", "", comment.strip()[2:-2].strip(), flags=re.MULTILINE)
    return re.sub(r"(?<!\n)\n(?!\n|- )", " ", text).strip()


def thread_rule(text: str) -> str:
    found = re.search(r"thread-(safe|compatible)", text, re.IGNORECASE)
    return found.group().lower() if found else ""


def cost_class(text: str) -> str:
    found = re.search(r"hot path|load time", text, re.IGNORECASE)
    return found.group().lower() if found else ""


def read(path: Path, types: dict[str, str]) -> Header:
    """The header's parts; `types` collects what is said of every type on the way."""
    header, comment, end, section, seen = Header(path), "", -1, "", set()
    text = path.read_text(encoding="utf-8")
    for item in ITEM.finditer(text):
        kind, body = item.lastgroup, item.group()
        directly = text[end:item.start()] == "\n" if end >= 0 else False
        own = comment if directly and not comment.startswith("/* ----") else ""
        if kind == "comment":
            behind = text[text.rfind("\n", 0, item.start()) + 1:item.start()].strip() != ""
            last = header.parts[-1] if header.parts else None
            if behind and isinstance(last, Function):
                last.comment = f"{last.comment} {words(body)}".strip()
            elif body.startswith("/* ----"):
                section = words(body).replace("----", "").strip()
                header.parts.append(section)
            elif not header.about and not behind and "SPDX" not in body:
                header.about = words(body)
            if not behind and "SPDX" not in body:
                comment, end = body, item.end()
        elif kind == "directive":
            end = item.end() if directly else end  # a comment above #if is about what stands inside
            if re.match(r"#define TICKMLP_(?!API)\w+ \S", body):
                header.parts.append(("", body))
        elif kind == "typedef":
            name = re.search(r"(\w+);$", body).group(1)
            types[name] = types.get(name) or own or section
            header.parts.append((words(own) if own else "", body))
        elif kind in ("function", "inline"):
            declaration = re.sub(r"\s+", " ", item.group(kind).replace("TICKMLP_API ", "")).strip().rstrip(";") + ";"
            name = re.search(r"\b(tickmlp_\w+)\(", declaration).group(1)
            if name not in seen:
                header.parts.append(Function(name, declaration, words(own) if own else ""))
            seen.add(name)
    return header


def settle(headers: list[Header], types: dict[str, str]) -> None:
    """Thread rule and cost class: a function's own word counts, else that of its object, the first parameter's type.
    To be on the hot path is said by each function itself."""
    for header in headers:
        for part in header.parts:
            if isinstance(part, Function):
                first = re.search(r"\((?:const )?(tickmlp_\w+)\*", part.declaration)
                of_object = types.get(first.group(1), "") if first else ""
                part.threads = thread_rule(part.comment) or thread_rule(of_object)
                part.cost = cost_class(part.comment) or ("load time" if "load time" in of_object.lower() else "")


def functions(headers: list[Header]) -> list[Function]:
    return [part for header in headers for part in header.parts if isinstance(part, Function)]


def complaints(headers: list[Header], enumeration: Path = ROOT / "runtime" / "tickmlp_status.h",
               prefix: str = "TICKMLP_") -> list[str]:
    """What a function's comment lacks. The enumeration has the statuses that it may name."""
    statuses = set(re.findall(rf"^  {prefix}(\w+?)(?: = 0)?,", enumeration.read_text(encoding="utf-8"), re.MULTILINE))
    found = []
    for one in functions(headers):
        if not one.comment:
            found.append(f"{one.name}: no comment directly above it, or behind it")
            continue
        if not one.cost:
            found.append(f"{one.name}: no cost class: 'Hot path' or 'Load time'")
        if not one.threads:
            found.append(f"{one.name}: no thread rule, its own or its object's: 'thread-safe' or 'thread-compatible'")
        if re.match(r"tickmlp_(client_)?status ", one.declaration) and not one.errors:
            found.append(f"{one.name}: returns a status, and its comment has no 'Errors: ...'")
        for error in one.errors:
            if error not in statuses and not (error.endswith("_*") and any(s.startswith(error[:-1]) for s in statuses)):
                found.append(f"{one.name}: error {error}, which {enumeration.name} does not have")
        for name in one.arrays:
            if not re.search(rf"\[[\w *]+\]|\*{name}\b", one.comment):
                found.append(f"{one.name}: {name} points to numbers: its shape is missing, as [count] or *{name}")
    return found


def prose(text: str) -> str:
    """Stars are pointers here, not emphasis."""
    return text.replace("*", "\\*")


def render(headers: list[Header]) -> str:
    lines = ["# The C interface", "",
             "Made by `scripts/api_docs` from the headers in `runtime/`: change those.",
             "[INTEGRATION.md](INTEGRATION.md) says how to link it; [examples](examples/) are whole programs.", "",
             "| function | cost class | threads |", "| --- | --- | --- |"]
    lines += [f"| [`{one.name}`](#{one.name}) | {one.cost} | {one.threads} |" for one in functions(headers)]
    for header in headers:
        lines += ["", f"## {header.path.name}", "", prose(header.about)]
        for part in header.parts:
            if isinstance(part, Function):
                lines += ["", f"### {part.name}", "```c", part.declaration, "```", prose(part.comment), ""]
                lines += [f"- cost class: {part.cost}; threads: {part.threads}"]
                if part.errors:
                    lines += ["- errors: " + ", ".join(f"`{error}`" for error in part.errors)]
            elif isinstance(part, tuple):
                about, code = part
                lines += ["", *([prose(about), ""] if about else []), "```c", code, "```"]
            else:
                lines += ["", prose(part)]
    return "\n".join(lines) + "\n"


def public_headers() -> list[Header]:
    """tickmlp.h first, then those that it includes and those beside it."""
    paths = sorted((ROOT / "runtime").rglob("tickmlp*.h"), key=lambda path: (path.name != "tickmlp.h", path.name))
    types: dict[str, str] = {}
    headers = [read(path, types) for path in paths]
    settle(headers, types)
    return headers


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("usage: scripts/api_docs [--check]", file=sys.stderr)
        return 2
    headers = public_headers()
    problems = complaints(headers)
    text = render(headers)
    if arguments and (not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text):
        problems.append("docs/API.md is not what the headers say: run scripts/api_docs")
    for problem in problems:
        print(problem, file=sys.stderr)
    if not arguments and not problems:
        PAGE.write_text(text, encoding="utf-8")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
