package process

import (
	"sync"

	"golang.org/x/sys/windows"
)

// parentHandle is opened once, so that it stays the same process even when its
// id is given to another.
var parentHandle = sync.OnceValues(func() (windows.Handle, error) {
	return windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(parent))
})

func parentGone() bool {
	h, err := parentHandle()
	if err != nil {
		return true
	}
	event, err := windows.WaitForSingleObject(h, 0)
	return err == nil && event == windows.WAIT_OBJECT_0
}
