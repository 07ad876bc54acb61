// Package input reads what a student submitted, /.__input/__inputdata.json
// (TOOLKIT.md 2.1, 4): the whole start message of the job, whose key "input"
// maps ids to answers. An uploaded file is a map of filename and value, value
// being the path of a file with the content.
package input
