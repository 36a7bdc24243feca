package config_test

import "testing"

func pipe(t *testing.T, _, _ string) string {
	t.Helper()
	t.Skip("pipes have no place among files here")
	return ""
}
