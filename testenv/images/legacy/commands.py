"""The commands of grading scripts (TOOLKIT.md 3 to 8)."""
import argparse
import json
import os
import shutil
import sys

import api


class Failure(Exception):
    """Ends the command with a code, after a message, which most print on standard output."""


def unescape(text):
    return text.encode("utf-8").decode("unicode_escape").encode("latin-1").decode("utf-8")


def text_of(args):
    text = args.message or sys.stdin.buffer.read().decode("utf-8")
    return unescape(text) if args.escape else text


def convert(value):
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            pass
    return value


def decode(value, option):
    try:
        return json.loads(value)
    except ValueError:
        raise Failure(1, "Cannot decode json. Invalid value for %s\n" % option)


def option(*names, **how):
    return names, dict({"default": ""}, **how)


def flag(*names):
    return names, {"action": "store_true"}


ID, ESCAPE = option("-i", "--id"), flag("-e", "--escape")
MESSAGE = option("-m", "--message")


def feedback_result(args):
    api.set_problem_result(args.result, args.id)


def feedback_grade(args):
    api.set_grade(args.grade)


def feedback_msg(args):
    api.set_problem_feedback(text_of(args), args.id, args.append)


def feedback_custom(args):
    api.set_custom_value(args.key, decode(args.value, "--json") if args.json else convert(args.value))


def feedback_state(args):
    api.set_state(args.value)


def feedback(args):
    text = unescape(args.feedback) if args.escape else args.feedback
    if args.result:
        api.set_problem_result(args.result, args.id)
    if args.grade:
        api.set_grade(args.grade)
    if text:
        api.set_problem_feedback(text, args.id)
    if args.custom_json or args.custom:
        name, _, value = (args.custom_json or args.custom).partition(":")
        api.set_custom_value(name, decode(value, "--custom-json") if args.custom_json else convert(value))
    if args.print:
        print(json.dumps(api.get_feedback()))


def tag(args):
    api.tag(args.value)


def tag_set(args):
    api.set_tag(args.tag, args.value in ("true", "True"))


def reading(get):
    """Ends as commands do that cannot read the input."""
    try:
        return get()
    except OSError:
        raise Failure(2, "Input file not found", sys.stderr)
    except ValueError:
        raise Failure(2, "Input is not compatible", sys.stderr)


def getinput(args):
    value = reading(lambda: api.get_input(args.problem))
    if value is None:
        raise Failure(2, "Invalid/unknown input format. Please access it from Python using input.get_input.", sys.stderr)
    if isinstance(value, (list, dict)):
        value = json.dumps(value)
    elif not isinstance(value, bytes):
        value = str(value)
    sys.stdout.buffer.write(value if isinstance(value, bytes) else value.encode("utf-8"))


def parsetemplate(args):
    reading(lambda: api.parse_template(args.input, args.output))


def rst_code(args):
    print(api.get_codeblock(args.language, text_of(args)))


def rst_msgblock(args):
    print(api.get_admonition(getattr(args, "class"), args.title, text_of(args)))


def rst_image(args):
    print(api.get_imageblock(args.file, args.format))


def rst_indent(args):
    print(api.indent_block(args.amount, text_of(args), args.indent_char))


def archive(args):
    top = "/archive/" + args.subdir
    try:
        if args.add:
            os.makedirs(top, exist_ok=True)
            shutil.copy(args.add, top + "/" + os.path.basename(args.add))
        if args.remove:
            os.unlink(top + "/" + args.remove)
    except OSError as e:
        raise Failure(2, str(e) + "\n")


def run_student(args):
    sys.exit(api.run_student(" ".join(args.cmd), container=args.container, time_limit=args.time, hard_time_limit=args.hard_time,
                             memory_limit=args.memory, share_network=args.share_network, stdin=0, stdout=1, stderr=2,
                             start_student_as_root=args.run_as_root, teardown_script=args.teardown_script) % 256)


def inginious_ipython(args):
    """Runs a script with the functions of the API at hand; how it ends does not matter."""
    script = {name: value for name, value in vars(api).items() if not name.startswith("_")}
    script.update(__name__="__main__", __file__=args.file)
    sys.argv = [args.file] + args.args
    try:
        with open(args.file) as f:
            exec(compile(f.read(), args.file, "exec"), script)
    except BaseException as e:
        print(repr(e))


COMMANDS = {
    "feedback-result": (feedback_result, [ID, (("result",), {})]),
    "feedback-grade": (feedback_grade, [(("grade",), {})]),
    "feedback-msg": (feedback_msg, [flag("-a", "--append"), ID, ESCAPE, MESSAGE]),
    "feedback-custom": (feedback_custom, [flag("-j", "--json"), (("key",), {}), (("value",), {})]),
    "feedback-state": (feedback_state, [(("value",), {})]),
    "feedback": (feedback, [option("-r", "--result"), option("-g", "--grade"), option("-f", "--feedback"), ID, ESCAPE,
                            flag("-p", "--print"), option("-c", "--custom"), option("-j", "--custom-json")]),
    "tag": (tag, [(("value",), {})]),
    "tag-set": (tag_set, [(("tag",), {}), (("value",), {})]),
    "getinput": (getinput, [(("problem",), {})]),
    "parsetemplate": (parsetemplate, [option("-o", "--output"), (("input",), {})]),
    "rst-code": (rst_code, [option("-l", "--language"), ESCAPE, option("-c", "--code", dest="message")]),
    "rst-msgblock": (rst_msgblock, [option("-c", "--class"), option("-t", "--title"), ESCAPE, MESSAGE]),
    "rst-image": (rst_image, [option("-f", "--format"), (("file",), {})]),
    "rst-indent": (rst_indent, [ESCAPE, option("-c", "--indent-char", default="\t"),
                                option("-a", "--amount", type=int, default=1), MESSAGE]),
    "archive": (archive, [option("-a", "--add"), option("-r", "--remove"), option("-s", "--subdir", "-o", "--outsubdir")]),
    "run_student": (run_student, [option("--container", default=None), option("--time", type=int, default=0),
                                  option("--hard-time", type=int, default=0), option("--memory", type=int, default=0),
                                  flag("--share-network"), flag("--run-as-root"), option("--teardown-script"),
                                  (("cmd",), {"nargs": argparse.REMAINDER})]),
    "inginious-ipython": (inginious_ipython, [(("file",), {}), (("args",), {"nargs": argparse.REMAINDER})]),
}


def main(argv):
    name = os.path.basename(argv[0])
    run, arguments = COMMANDS[name]
    parser = argparse.ArgumentParser(prog=name)
    for names, how in arguments:
        parser.add_argument(*names, **how)
    try:
        run(parser.parse_args(argv[1:]))
    except Failure as e:
        code, text, *stream = e.args
        (stream or [sys.stdout])[0].write(text)
        sys.exit(code)
