// Inginious-backend is the queue and scheduler between INGInious' webapps and
// its grading agents. It takes the place of the Python program of that name.
//
//	inginious-backend tcp://127.0.0.1:2001 tcp://127.0.0.1:2000
//
// The first address is bound for agents, the second for clients; see package
// wire/zmtp for their forms and PROTOCOL.md 8.1 for the original's options.
// SIGTERM refuses new jobs, delivers what runs for the time of --drain, which
// holds for long results on their way too, and ends with status 0. Wrong settings end with status 78, what may pass, such as an
// address in use, with status 1.
package main
