package runfile

import (
	"encoding/json"
	"fmt"

	"zombiezen.com/go/sqlite"
)

// insertRun writes the one row of the run table.
func insertRun(c *conn, r *Run) error {
	args := []any{r.ID, int64(Format), r.State, r.Epoch, stamp(r.CreatedAt), r.RunnerVersion, r.Digest, r.DigestLocal, r.Rehearsal}
	for _, v := range []any{orEmpty(r.Paths), orObject(r.Variables), orEmpty(r.Withheld), r.Secrets, orEmpty(r.Providers), orEmpty(r.Lists), orArray(r.Config)} {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		args = append(args, string(b))
	}
	return c.exec(`INSERT INTO run (id, format, state, epoch, created_at, runner_version, digest, digest_local, rehearsal,
		paths, variables, withheld, secrets, providers, lists, config) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, args...)
}

// orEmpty, orObject and orArray write what isn't there as empty, never as null.
func orEmpty[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}

func orObject(v json.RawMessage) json.RawMessage {
	if len(v) == 0 {
		return json.RawMessage("{}")
	}
	return v
}

func orArray(v json.RawMessage) json.RawMessage {
	if len(v) == 0 {
		return json.RawMessage("[]")
	}
	return v
}

// readRun reads the one row of the run table.
func readRun(c *conn) (r Run, err error) {
	found := false
	err = c.query(`SELECT id, state, epoch, created_at, runner_version, digest, digest_local, rehearsal,
		paths, variables, withheld, secrets, providers, lists, config FROM run`, func(s *sqlite.Stmt) (err error) {
		found = true
		r.ID = s.ColumnText(0)
		r.State = s.ColumnText(1)
		r.Epoch = s.ColumnInt64(2)
		if r.CreatedAt, err = parseStamp(s.ColumnText(3)); err != nil {
			return err
		}
		r.RunnerVersion = s.ColumnText(4)
		r.Digest = s.ColumnText(5)
		r.DigestLocal = s.ColumnBool(6)
		r.Rehearsal = s.ColumnBool(7)
		for i, to := range []any{&r.Paths, &r.Variables, &r.Withheld, &r.Secrets, &r.Providers, &r.Lists, &r.Config} {
			if err := parseJSON(s, 8+i, to); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && (!found || !knownState(r.State)) {
		err = fmt.Errorf("%w: it says of no run in which state it is", ErrCorrupt)
	}
	return r, c.wrap("read", err)
}

func knownState(state string) bool {
	switch state {
	case StatePlanned, StateUnusable, StateRunning, StateInterrupted, StateStopped, StateFailed, StateUnsettled, StateFinished:
		return true
	}
	return false
}
