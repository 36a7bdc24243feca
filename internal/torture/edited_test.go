//go:build linux

package torture

import (
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// TestE11: a plan that was edited, in any part that decides what is sent, is
// refused before the first request, also when the editor knows of the rows'
// checksums; and so is one for another account.
func TestE11EditedPlan(t *testing.T) {
	t.Parallel()
	edits := map[string]string{
		"configuration": `UPDATE run SET config = replace(config, 'MAX', 'max')`, // bytes are in base64
		"variables":     `UPDATE run SET variables = '{"x":1}'`,
		"run id":        `UPDATE run SET id = 'another'`,
		"digest":        `UPDATE run SET digest = 'sha256:00'`,
		"checksum":      `UPDATE run SET providers = replace(providers, 'sha256:', 'sha256:0')`,
		"account":       `UPDATE run SET providers = replace(providers, 'M-1', 'M-2')`,
		"environment":   `UPDATE run SET providers = replace(providers, '"other"', '"live"')`,
		"list digest":   `UPDATE run SET lists = replace(lists, 'sha256:', 'sha256:0')`,
		"list rows":     `UPDATE run SET lists = replace(lists, '"rows":12', '"rows":13')`,
		"type":          `UPDATE operations SET type = 'pay'`,
		"provider":      `UPDATE operations SET provider = 'provider.other'`,
		"address":       `UPDATE operations SET address = 'operation.fake_cancel.some'`,
		"abort rule":    `UPDATE operations SET settings = replace(settings, '1000000', '1000001')`,
		"guards":        `UPDATE operations SET settings = json_remove(settings, '$.reads')`,
		"arguments":     `UPDATE plan SET arguments = replace(arguments, 'T-00003', 'T-00004') WHERE id = 4`,
		"key":           `UPDATE plan SET key = 'T-99999' WHERE id = 4`,
		"key for life":  `UPDATE plan SET idempotency_key = '00000000000000000000000000000000' WHERE id = 4`,
		"amount":        `UPDATE plan SET amount = '1' WHERE id = 4`,
		"currency":      `UPDATE plan SET currency = 'COP' WHERE id = 4`,
		"guard context": `UPDATE plan SET context = '{"row":{}}' WHERE id = 4`,
		"fingerprint":   `UPDATE plan SET fingerprint = '00' WHERE id = 4`,
		"sealed":        `UPDATE plan SET sealed = 'AA==' WHERE id = 4`,
		"order":         `UPDATE plan SET key = CASE id WHEN 4 THEN 'T-00004' ELSE 'T-00003' END, arguments = CASE id WHEN 4 THEN '{"id":"T-00004"}' ELSE '{"id":"T-00003"}' END WHERE id IN (4, 5)`,
		"one item less": `DELETE FROM plan WHERE id = 12; DELETE FROM progress WHERE id = 12`,
		"counts":        `UPDATE operations SET counts = '{"planned":11}'`,
	}
	for name, edit := range edits {
		for _, knows := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, %v", name, knows), func(t *testing.T) {
				t.Parallel()
				j := newJob(t, 12)
				j.plan(t)
				c, err := sqlite.OpenConn(j.path("job.run"), sqlite.OpenReadWrite)
				must(t, err)
				before := contents(t, c)
				must(t, sqlitex.ExecuteScript(c, edit, nil))
				if contents(t, c) == before {
					if name != "configuration" {
						t.Fatal("the edit changes nothing")
					}
					must(t, sqlitex.ExecuteScript(c, `UPDATE run SET config = replace(config, '"bytes":"', '"bytes":"IyBhCiMg')`, nil))
				}
				if knows {
					resum(t, c)
				}
				must(t, c.Close())
				out, code := j.run(t, "apply", "--auto-approve", "job.run")
				if n := len(j.api.came()); n != 0 || code != 1 {
					t.Errorf("exit %d, %d requests\n%s", code, n, out)
				}
			})
		}
	}
}

// contents is all that an edit could change.
func contents(t testing.TB, c *sqlite.Conn) string {
	t.Helper()
	var b strings.Builder
	for _, table := range []string{"run", "operations", "plan", "progress"} {
		must(t, sqlitex.ExecuteTransient(c, "SELECT * FROM "+table, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
			for i := range s.ColumnCount() {
				fmt.Fprintf(&b, "%s|", s.ColumnText(i))
			}
			return nil
		}}))
	}
	return b.String()
}

// resum writes the checksums anew, as docs/run-file.md says.
func resum(t testing.TB, c *sqlite.Conn) {
	t.Helper()
	for _, table := range []struct{ name, columns string }{
		{"plan", "id, operation, state, reason, updated_at, key, source, row, idempotency_key, amount, currency, arguments, fingerprint, sealed, context, live"},
		{"operations", "id, address, provider, type, list, rows, matching, ranges, settings, counts, settled, failures, consecutive, begun, begun_ids"},
		{"run", "id, format, created_at, runner_version, digest, digest_local, rehearsal, paths, variables, withheld, secrets, providers, lists, config, state, epoch"},
	} {
		sums := map[int64]int64{}
		must(t, sqlitex.ExecuteTransient(c, "SELECT rowid, "+table.columns+" FROM "+table.name, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
			var b []byte
			for i := 1; i < s.ColumnCount(); i++ {
				b = append(append(b, s.ColumnText(i)...), 0)
			}
			sums[s.ColumnInt64(0)] = int64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
			return nil
		}}))
		for id, sum := range sums {
			must(t, sqlitex.ExecuteTransient(c, "UPDATE "+table.name+" SET sum = ? WHERE rowid = ?", &sqlitex.ExecOptions{Args: []any{sum, id}}))
		}
	}
}

// TestE11OtherAccount: a plan is for one account and one program.
func TestE11OtherAccount(t *testing.T) {
	t.Parallel()
	j := newJob(t, 3)
	j.provider = `merchant = env("MERCHANT")`
	j.env = append(j.env, "MERCHANT=M-1")
	j.plan(t)
	j.env = append(j.env, "MERCHANT=M-2")
	if out, code := j.run(t, "apply", "--auto-approve", "job.run"); code != 1 || len(j.api.came()) != 0 {
		t.Errorf("exit %d, %d requests\n%s", code, len(j.api.came()), out)
	}
}
