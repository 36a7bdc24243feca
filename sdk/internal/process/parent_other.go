//go:build !linux

package process

// notifyParentDeath has nothing to ask here: polling does.
func notifyParentDeath(chan<- struct{}) {}
