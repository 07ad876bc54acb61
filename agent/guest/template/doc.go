// Package template is feedback-msg-tpl: feedback from a template in the language
// of Jinja, in the student's language (TOOLKIT.md 5).
//
// It is a program of its own, ingot-template, beside ingot-init: the template
// engine is larger than everything else a grading script calls, and most scripts
// never do. ingot-init calls it by that name.
//
// The engine is gonja, a port of Jinja to Go. What it does otherwise than Jinja
// is listed in the guide of package guest.
package template
