# The library's functions and the commands, mixed, in Python; needs an image with the library.
import os
import subprocess

set_global_result("failed")
set_grade(55)
set_global_feedback(repr([get_input("code"), get_input("choices"), get_input("upload"), get_input("upload:filename"), get_username()]))
set_problem_feedback("from Python", "code")
subprocess.run(["feedback-result", "-i", "code", "success"])
set_problem_result("failed", "number")
set_custom_value("list", [1, "é", None])
set_tag("done", True)
set_state("python")
parse_template("template", "/archive/filled")
subprocess.run(["feedback-msg", "-a", "-m", get_codeblock("c", "int i;") + get_admonition("info", "", "block")])
subprocess.run(["feedback-msg", "-a"], input=subprocess.run(["rst-indent", "-m", "a"], stdout=subprocess.PIPE).stdout)
code = run_student("sh -c 'exit 6'")
set_global_feedback(" code %d in %s" % (code, os.getcwd()), append=True)
print("out")
