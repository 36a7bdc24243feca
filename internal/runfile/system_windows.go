package runfile

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

func openNoFollow(path string, flag int) (*os.File, error) {
	if fi, err := os.Lstat(path); err == nil && !fi.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	return os.OpenFile(path, flag, 0o600)
}

// tryLock locks a byte far behind the file's end, since locked bytes can't be
// read by others and they shall read who holds it.
func tryLock(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, &windows.Overlapped{Offset: 1 << 30})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errLocked
	}
	return err
}

// removeLocked does nothing: an open file can't be removed here.
func removeLocked(*os.File) {}

func alive(pid int) bool {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return errors.Is(err, windows.ERROR_ACCESS_DENIED)
	}
	defer windows.CloseHandle(h)
	var code uint32
	return windows.GetExitCodeProcess(h, &code) == nil && code == 259 // STILL_ACTIVE
}

// syncFolder does nothing: the system writes folders by itself.
func syncFolder(string) error { return nil }

// identity isn't told by os.Stat here; names must do.
func identity(fs.FileInfo) (device, inode uint64) { return 0, 0 }

// versionOf knows nothing: the system keeps no time that nobody can set.
func versionOf(string) version { return version{} }

func stateFolder() (string, error) {
	if dir := os.Getenv("LOCALAPPDATA"); dir != "" {
		return dir, nil
	}
	return os.UserCacheDir()
}
