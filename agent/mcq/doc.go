// Package mcq grades multiple choice and match problems without containers.
//
// An [Executor] is an [agent.Executor] for the environment mcq/mcq. A job
// brings its problems with it: nothing of the task is read but its translated
// texts. Answers, markers, texts, grades and states are those of the Python
// agent (PROTOCOL.md 6), of the version that [Rules] names. Where that one
// threw, and its student was told of an unknown error, a job ends here with the
// same status and a text that says what is wrong with the task or the answer.
//
// A job takes microseconds, so a job that is not yet killed when it starts is
// graded to its end. There is nothing to clean up.
//
// # Parts
//
//   - value.go reads msgpack values where they lie, in the job's own bytes: it
//     decodes what a rule asks for and steps over the rest. pyint.go and
//     pystr.go are Python's int() and str() on such values.
//   - grading.go is one job, pure: problems, inputs and languages in, result
//     out. problem.go reads a definition; choice.go and match.go check answers.
//   - messages.go holds what the agent itself says, from the .po files in po.
//   - tasks.go finds task directories and their catalogues, looking again once a
//     second, and keeps what they hold; catalogue.go reads one.
//   - metrics.go counts.
//
// # Strangers' data
//
// Inputs come from students, definitions and catalogues from course authors.
// Each job walks its bytes a fixed number of times and writes at most 16 MiB of
// feedback. Catalogues are checked before the gettext library sees them, and
// are read through an [os.Root], so that no link leads out of the tasks
// directory: a course that is itself such a link is graded, with its texts as
// they are. Memory held for catalogues is bounded.
package mcq
