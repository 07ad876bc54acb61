// Package uplink is what the agents' programs share: the flags that say which
// backend to serve and how, and the connection to it.
package uplink
