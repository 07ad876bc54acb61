package feedback

// Small returns the store in dir that takes no more than that many bytes.
func Small(dir string, max int) Store { return Store{dir, max} }
