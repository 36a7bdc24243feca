//go:build !windows

package secret

// others are the modes by which others may read a file.
const others = 0o077
