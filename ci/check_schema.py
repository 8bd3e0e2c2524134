"""Holds every plan of the repository against the schema that `hil schema` prints,
and sees to it that plans of a wrong structure fail it.

usage: check_schema.py SCHEMA PLAN…
"""

import copy
import json
import sys
import tomllib

import jsonschema

HEAD = {"id": "x", "title": "x", "product": "x"}


def plan(**step):
    """A plan of one step that has these keys beside an id and an action."""
    return {"plan": dict(HEAD), "step": [{"id": "s", "do": [{"wait": "1 s"}], **step}]}


def act(**action):
    return plan(do=[action])


# What each action looks like at least; also proof that the schema takes it.
RIGHT = {
    "wait": act(wait="1 s"),
    "set": act(set={"a.b": "1 V"}),
    "write": act(write={"a.b": "gain"}, within="2 s"),
    "computed": act(measure="a", min="first.v - 0.3 V"),
    "when": plan(when="first.v > 12 V", export=["v"], repeat=3),
    "retries": plan(retries={"on": ["open-contact"], "max": 1}, **{"continue-on-fail": False}),
    "prompt": act(prompt="well?", answers=["pass", "fail"], **{"as": "label"}),
    "together": act(together=[[{"wait": "1 s"}], [{"read": "a", "as": "x"}]]),
    "call": act(call="chamber.defrost", **{"with": {"for": "60 s"}, "results": {"tank": "%"}, "as": "ice"}),
    "rows": plan(**{"for-each": {"rows": "tables.t"}}),
    "include": {"plan": dict(HEAD), "step": [{"include": "other.toml"}]},
    "use": {**plan(), "setup": {"do": [{"use": "recover"}]}, "recover": {"do": [{"wait": "1 s"}]}},
}

WRONG = {
    "no plan": {"step": plan()["step"]},
    "no steps": {"plan": dict(HEAD)},
    "no title": {**plan(), "plan": {"id": "x", "product": "x"}},
    "unknown table": {**plan(), "tear-down": {"do": [{"wait": "1 s"}]}},
    "unknown key of a step": plan(timout="1 s"),
    "step without do": {"plan": dict(HEAD), "step": [{"id": "s"}]},
    "empty do": plan(do=[]),
    "id with a space": plan(id="a b"),
    "unknown action": act(wiat="1 s"),
    "two actions in one table": act(wait="1 s", read="a", **{"as": "x"}),
    "unknown key of an action": act(measure="a", minn="1 V"),
    "read without a name": act(read="a"),
    "watch without a change": act(watch="a", **{"as": "x"}),
    "watch for two changes": act(watch="a", becomes="high", **{"rises-through": "1 V", "as": "x"}),
    "ramp without a rate": act(ramp="a", to="1 V"),
    "point of three parts": act(profile="a", points=[["0 s", "1 V", "2 V"]]),
    "unknown statistic": act(measure="a", over="1 s", statistic="median", min="1 V"),
    "unknown failure": act(measure="a", min="1 V", **{"fails-as": "bad-luck"}),
    "set of nothing": act(set={}),
    "write of nothing": act(write={}),
    "write under a name": act(write={"a": "1 V"}, **{"as": "x"}),
    "both kinds of for-each": plan(**{"for-each": {"rows": "tables.t", "parameter": "p", "values": ["a"]}}),
    "when without a comparison": plan(when="first.v"),
    "repeat never": plan(repeat=0),
    "two retries": plan(retries={"on": ["open-contact"], "max": 2}),
    "retries on anything": plan(retries={"on": ["any"]}),
    "a word for continue-on-fail": plan(**{"continue-on-fail": "no"}),
    "one branch": act(together=[[{"wait": "1 s"}]]),
    "wrong action in a branch": act(together=[[{"wait": "1 s"}], [{"wiat": "1 s"}]]),
    "prompt without answers": act(prompt="well?", **{"as": "x"}),
    "prompt of one answer": act(prompt="well?", answers=["pass"], **{"as": "x"}),
    "call of no action": act(call="chamber"),
    "call named without results": act(call="chamber.defrost", **{"as": "ice"}),
    "include with more": {"plan": dict(HEAD), "step": [{"include": "a.toml", "id": "s"}]},
    "use outside of setup": {**plan(), "teardown": {"do": [{"use": "recover"}]}},
    "unknown decision rule": {**plan(), "plan": {**HEAD, "decision-rule": "lenient"}},
}


def main():
    schema = json.load(open(sys.argv[1], encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    bad = []
    for path in sys.argv[2:]:
        document = tomllib.load(open(path, "rb"))
        bad += [f"{path}: {e.json_path}: {e.message[:200]}" for e in validator.iter_errors(document)]
    bad += [f"refused: {name}" for name, document in RIGHT.items() if not validator.is_valid(copy.deepcopy(document))]
    bad += [f"accepted: {name}" for name, document in WRONG.items() if validator.is_valid(copy.deepcopy(document))]
    if bad:
        sys.exit("\n".join(bad))
    print(f"schema: {len(sys.argv) - 2} plans fit, {len(WRONG)} wrong ones do not")


if __name__ == "__main__":
    main()
