"""Holds what we register and send against discord.py's own models: each is read by them and written again, and nothing
of ours may be lost or changed on the way. Reads JSON lines {"kind": command|message|modal, "data": ...} and says, for
each that does not fit, why; exits 1 where there was one.
"""
import json
import sys

from discord import Embed, app_commands
from discord.components import _component_factory


class State:
    """What discord.py's models ask of their connection, without one."""

    def __getattr__(self, name):
        return lambda *_, **__: None


def of_command(data):
    sent = {"id": "1", "application_id": "2", "guild_id": "3", "version": "4", "default_member_permissions": None,
            "description": "", **data}
    read = app_commands.AppCommand(data=sent, state=State())
    written = {"name": read.name, "type": read.type.value, "description": read.description,
               "options": [option.to_dict() for option in read.options]}
    return {"type": 1, **data}, written


def of_component(data):
    read = _component_factory(data)
    if read is None:
        raise ValueError(f"no component of discord.py: {data}")
    return data, read.to_dict()


def of_message(data):
    sent, written = [], []
    for embed in data.get("embeds", []):
        sent.append(embed)
        written.append(Embed.from_dict(embed).to_dict())
    for component in data.get("components", []):
        ours, theirs = of_component(component)
        sent.append(ours)
        written.append(theirs)
    return sent, written


def of_modal(data):
    pairs = [of_component(component) for component in data["components"]]
    return [ours for ours, _ in pairs], [theirs for _, theirs in pairs]


def lost(ours, theirs, at=""):
    """Where something of ours is not in what they wrote."""
    if isinstance(ours, dict):
        for name, value in ours.items():
            if value in (None, False, [], "", {}) and not (isinstance(theirs, dict) and name in theirs):
                continue
            if not isinstance(theirs, dict) or name not in theirs:
                yield f"{at}.{name} is lost"
            else:
                yield from lost(value, theirs[name], f"{at}.{name}")
    elif isinstance(ours, list):
        if not isinstance(theirs, list) or len(ours) != len(theirs):
            yield f"{at} has another length"
        else:
            for number, (one, other) in enumerate(zip(ours, theirs)):
                yield from lost(one, other, f"{at}[{number}]")
    elif ours != theirs:
        yield f"{at} is {theirs!r}, not {ours!r}"


def main():
    kinds = {"command": of_command, "message": of_message, "modal": of_modal}
    wrong = read = 0
    for line in sys.stdin:
        one = json.loads(line)
        read += 1
        try:
            complaints = list(lost(*kinds[one["kind"]](one["data"])))
        except Exception as error:  # whatever their models refuse
            complaints = [repr(error)]
        for complaint in complaints:
            print(f"{one['kind']} {one.get('name', '')}: {complaint}")
            wrong += 1
    print(f"{read} read")
    sys.exit(1 if wrong or not read else 0)


main()
