package runfile

import (
	"encoding/json"
	"fmt"

	"zombiezen.com/go/sqlite"
)

// insertRun writes the one row of the run table.
func insertRun(c *conn, r *Run) error {
	args := []any{r.ID, int64(Format), stamp(r.CreatedAt), r.RunnerVersion, r.Digest, number(r.DigestLocal), number(r.Rehearsal)}
	for _, v := range []any{orEmpty(r.Paths), orObject(r.Variables), orEmpty(r.Withheld), r.Secrets, orEmpty(r.Providers), orEmpty(r.Lists), orArray(r.Config)} {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		args = append(args, string(b))
	}
	fixed := uint32(0)
	for _, v := range args {
		fixed = sumTexts(fixed, fmt.Sprint(v))
	}
	args = append(args, r.State, r.Epoch, sumRun(fixed, r.State, r.Epoch))
	return c.exec(`INSERT INTO run (id, format, created_at, runner_version, digest, digest_local, rehearsal,
		paths, variables, withheld, secrets, providers, lists, config, state, epoch, sum)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, args...)
}

// sumRun is the checksum of the run, from that of what the plan wrote of it and
// from what an apply does.
func sumRun(fixed uint32, state string, epoch int64) int64 {
	return int64(sumNumbers(sumTexts(fixed, state), epoch))
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
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

// readRun reads the one row of the run table, and the checksum of what the plan
// wrote there.
func readRun(c *conn) (r Run, fixed uint32, err error) {
	found := false
	err = c.query(`SELECT id, format, created_at, runner_version, digest, digest_local, rehearsal,
		paths, variables, withheld, secrets, providers, lists, config, state, epoch, sum FROM run`, func(s *sqlite.Stmt) (err error) {
		found = true
		var whole bool
		if fixed, whole = sumRow(s, 14, 16); !whole {
			return changed("run", 1)
		}
		r.ID = s.ColumnText(0)
		if r.CreatedAt, err = parseStamp(s.ColumnText(2)); err != nil {
			return err
		}
		r.RunnerVersion = s.ColumnText(3)
		r.Digest = s.ColumnText(4)
		r.DigestLocal = s.ColumnBool(5)
		r.Rehearsal = s.ColumnBool(6)
		for i, to := range []any{&r.Paths, &r.Variables, &r.Withheld, &r.Secrets, &r.Providers, &r.Lists, &r.Config} {
			if err := parseJSON(s, 7+i, to); err != nil {
				return err
			}
		}
		r.State = s.ColumnText(14)
		r.Epoch = s.ColumnInt64(15)
		return nil
	})
	if err == nil && (!found || !knownState(r.State)) {
		err = fmt.Errorf("%w: it says of no run in which state it is", ErrCorrupt)
	}
	return r, fixed, c.wrap("read", err)
}

func knownState(state string) bool {
	switch state {
	case StatePlanned, StateUnusable, StateRunning, StateInterrupted, StateStopped, StateFailed, StateUnsettled, StateFinished:
		return true
	}
	return false
}
