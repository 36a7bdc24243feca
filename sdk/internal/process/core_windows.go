package process

// leaveNoCore has nothing to do: Windows keeps a crashed program's memory only
// where an administrator has asked for that.
func leaveNoCore() {}
