package providertest

import (
	"errors"
	"os"
)

const canTerminate = false

func terminate(*os.Process) error { return errors.ErrUnsupported }

func countDescriptors(int) int { return 0 }

func countGoroutines(*process) int { return 0 }

func dumped(*record) bool { return false }

func parentGone(_ *suite, v *verdict) { v.skip("this system can't be asked to kill a parent alone") }
