//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package view

import "golang.org/x/sys/unix"

const (
	getTermios, setTermios = unix.TIOCGETA, unix.TIOCSETA
	disabled               = 0xff // as a control character: none
)
