"""The directive {commands}: the help of every `qbat` command, as the command prints it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive


def helps() -> Iterator[tuple[str, str]]:
    """Each command's full name and its help, groups before their commands."""
    import typer

    from qbat_circuits.cli.app import app

    def walk(command: Any, name: str, parent: Any) -> Iterator[tuple[str, str]]:
        with command.context_class(command, info_name=name, parent=parent, terminal_width=80) as at:
            yield at.command_path, command.get_help(at)
            for inner, found in getattr(command, "commands", {}).items():
                yield from walk(found, inner, at)

    yield from walk(typer.main.get_command(app), "qbat", None)


class Commands(Directive):
    """One section for each command."""

    def run(self) -> list[nodes.Node]:
        """A section with the help as literal text."""
        sections: list[nodes.Node] = []
        for name, text in helps():
            section = nodes.section(ids=[nodes.make_id(name)], names=[name])
            section += nodes.title(text=name)
            section += nodes.literal_block(text, text, language="text")
            sections.append(section)
        return sections


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
