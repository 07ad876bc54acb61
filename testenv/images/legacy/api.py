"""The functions that run.py scripts call (TOOLKIT.md 10), and that the commands are made of."""
import base64
import json
import os
import re

import store

AUTO_TAG = "*auto-tag-"


def run_student(cmd, **options):
    import caller  # libzmq takes longer to load than most commands to run

    return caller.run_student(cmd, **options)


def load_input():
    with open("/.__input/__inputdata.json", encoding="utf-8") as f:
        return json.loads(f.read().strip("\0").strip())["input"]


def get_input(problem):
    key, *part = problem.split(":")
    value = load_input()[key]
    if isinstance(value, dict) and {"filename", "value"} <= set(value):
        if part[:1] == ["filename"]:
            return value["filename"]
        with open(value["value"], "rb") as f:
            return f.read()
    return value


def get_username():
    return load_input()["@username"]


def _replace(index, text, problem, append=False):
    """Sets the result (0) or the text (1) of a problem, or of all."""
    feedback = store.load()
    if not problem:
        key = ("result", "text")[index]
        feedback[key] = feedback.get(key, "") + text if append else text
    else:
        problems = feedback.setdefault("problems", {})
        current = problems.get(problem, "")
        result, old = (None, current) if isinstance(current, str) else current[:2]
        if index == 0:
            problems[problem] = [text, old]
        else:
            text = old + text if append else text
            problems[problem] = text if result is None else [result, text]
    store.save(feedback)


def set_global_result(result):
    _replace(0, result, "")


def set_problem_result(result, problem_id):
    _replace(0, result, problem_id)


def set_global_feedback(feedback, append=False):
    _replace(1, feedback, "", append)


def set_problem_feedback(feedback, problem_id, append=False):
    _replace(1, feedback, problem_id, append)


def set_grade(grade):
    store.update(grade=float(grade))


def set_state(state):
    store.update(state=str(state))


def _set_in(group, key, value):
    feedback = store.load()
    feedback.setdefault(group, {})[key] = value
    store.save(feedback)


def set_tag(tag, value):
    if not tag.startswith(AUTO_TAG):
        _set_in("tests", tag, value is True)


def tag(value):
    _set_in("tests", AUTO_TAG + str(hash(value)), value)


def set_custom_value(custom_name, custom_val):
    _set_in("custom", custom_name, custom_val)


def get_feedback():
    return store.load()


def get_codeblock(language, text):
    return "\n\n.. code-block:: %s\n\n%s\n" % (language, indent_block(1, text))


def get_admonition(cssclass, title, text):
    head = "\n\n.. admonition:: %s\n" % title if title else "\n\n.. note:: \n"
    if cssclass not in ("info", "danger", "warning", "success"):
        cssclass = "info"
    return "%s\t:class: alert alert-%s\n\n%s\n" % (head, cssclass, indent_block(1, text))


def get_imageblock(filename, format=""):
    format = format or os.path.splitext(filename)[1][1:]
    with open(filename, "rb") as f:
        data = base64.b64encode(f.read()).decode()
    return '\n\n.. raw:: html\n\n\t<img src="data:image/%s;base64,%s">\n' % (format, data)


def indent_block(amount, text, indent_char="\t"):
    if amount < 0:
        return "".join("".join(c for i, c in enumerate(line) if c != indent_char or i >= -amount) + "\n" for line in text.splitlines())
    return "".join(indent_char * amount + line + "\n" for line in text.splitlines())


def parse_template(input_filename, output_filename=""):
    with open(input_filename, "rb") as f:
        text = f.read().decode("utf-8")
    for key, value in load_input().items():
        markers = {key: value}
        if isinstance(value, dict) and {"filename", "value"} <= set(value):
            markers = {key + ":filename": value["filename"]}
            with open(value["value"], "rb") as f:
                markers[key + ":value"] = f.read().decode("utf-8")
        for name, content in markers.items():
            for prefix, suffix in set(re.findall("@([^@]*)@%s@([^@]*)@" % re.escape(name), text)):
                lines = [prefix + line + suffix for line in content.splitlines()]
                text = text.replace("@%s@%s@%s@" % (prefix, name, suffix), "\n".join(lines))
    output_filename = output_filename or input_filename
    if os.path.dirname(output_filename):
        os.makedirs(os.path.dirname(output_filename), exist_ok=True)
    with open(output_filename, "wb") as f:
        f.write(text.encode("utf-8"))
