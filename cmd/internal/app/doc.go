// Package app turns a process into a function call, the same way for every
// daemon of this project. It holds no policy.
//
// A main is one line:
//
//	func main() { os.Exit(app.Main("inginious-backend", about, run)) }
//
//	// config is the command line. Tags are those of kong.
//	type config struct {
//		app.Flags
//		Agent string `arg:"" help:"Address to bind for agents."`
//	}
//
//	func run(ctx context.Context, p *app.Process[config]) error
//
// Main reads the command line, builds the logger, turns SIGTERM and SIGINT
// into the end of ctx and the returned error into an exit status: 0 for nil,
// [ExitUsage] for what is wrong with the command line, the configuration or an
// address (see [Usage]), 1 for anything else, which may pass (see [Setting]). The
// error is written once, as one line in the format of the log, to standard error. A
// second signal ends the process at once.
//
// Every flag can also be given by the environment (--queue-limit of
// inginious-backend is INGINIOUS_BACKEND_QUEUE_LIMIT=N) and in the file that
// --config names, as a line queue_limit=N. The command line wins over the
// environment, the environment over the file. SIGHUP reads all of it again, for
// programs that take what can change while they run; see [Process.Reloads].
//
// Logs go to standard error: coloured on a terminal, with priorities and
// without times under systemd's journal, JSON elsewhere or when asked for. Whoever
// reads them and hangs is waited for once, for a second: then what does not fit in
// between is lost, and counted.
package app
