package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

const planFile = `variable "fixed_hash" {
  type      = string
  sensitive = true
}
provider "payvalida" {
  merchant   = "` + merchant + `"
  fixed_hash = var.fixed_hash
  endpoint   = "http://127.0.0.1:1"
}
list "csv" "orders" {
  path    = "orders.csv"
  key     = "order_id"
  columns = { amount = decimal }
}
operation "payvalida_cancel_order" "all" {
  for_each = list.csv.orders
  where    = each.value.status == "PENDIENTE" && each.value.channel != "pos"
  order    = upper(each.value.order_id)
  money {
    amount   = each.value.amount * 1
    currency = "COP"
  }
  limits { max_items = "unlimited" }
}
`

// planWork plans rows of which one in share matches.
func planWork(b *bench, share int) (figures, error) {
	n := b.items(1_000_000)
	dir, err := os.MkdirTemp(b.dir, "plan-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	list := filepath.Join(dir, "orders.csv")
	if err := writeOrders(list, n, share); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "plan.ops.hcl"), []byte(planFile), 0o600); err != nil {
		return nil, err
	}
	ours, err := b.runner(dir, "plan", "--refresh=false", "--out", "plan.run", "plan.ops.hcl")
	if err != nil {
		return nil, err
	}
	target := ""
	if share == 1 {
		target = filepath.Join(dir, "plain.db")
	}
	began := time.Now()
	if err := readPlain(list, target); err != nil {
		return nil, err
	}
	theirs := time.Since(began)
	return figures{
		"wall of the yardstick's": ours.wall.Seconds() / theirs.Seconds(),
		"rows/s":                  float64(n) / ours.wall.Seconds(),
		"s of CPU":                ours.cpu.Seconds(),
	}, nil
}

// writeOrders writes a list of 8 columns.
func writeOrders(path string, n, share int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	w.WriteString("order_id,status,channel,amount,currency,created_at,customer,note\n")
	for i := range n {
		status := "CANCELADA"
		if i%share == 0 {
			status = "PENDIENTE"
		}
		fmt.Fprintf(w, "%s,%s,web,%d.%02d,COP,2026-10-%02dT12:00:00Z,customer %d,\"a note, quoted\"\n", orderID(i), status, 1000+i%90000, i%100, 1+i%28, i%5000)
	}
	return w.Flush()
}

// readPlain is the yardstick: it reads the list and, where there is a target,
// inserts what an item of it has, in one transaction.
func readPlain(list, target string) error {
	f, err := os.Open(list)
	if err != nil {
		return err
	}
	defer f.Close()
	r := csv.NewReader(bufio.NewReaderSize(f, 1<<16))
	r.ReuseRecord = true
	var insert *sqlite.Stmt
	if target != "" {
		conn, err := sqlite.OpenConn(target, sqlite.OpenReadWrite, sqlite.OpenCreate)
		if err != nil {
			return err
		}
		defer conn.Close()
		for _, sql := range []string{"PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF",
			"CREATE TABLE items (id INTEGER PRIMARY KEY, key TEXT, row INTEGER, state TEXT, amount TEXT, currency TEXT, arguments TEXT, idempotency_key TEXT, updated_at TEXT)", "BEGIN"} {
			if err := sqlitex.ExecuteTransient(conn, sql, nil); err != nil {
				return err
			}
		}
		if insert, err = conn.Prepare("INSERT INTO items (key, row, state, amount, currency, arguments, idempotency_key, updated_at) VALUES (?, ?, 'planned', ?, ?, ?, ?, ?)"); err != nil {
			return err
		}
		defer sqlitex.ExecuteTransient(conn, "COMMIT", nil)
	}
	const key, at = "00112233445566778899aabbccddeeff", "2026-11-21T12:00:00.000Z"
	for row := int64(1); ; row++ {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if insert == nil || row == 1 {
			continue
		}
		insert.BindText(1, record[0])
		insert.BindInt64(2, row)
		insert.BindText(3, record[3])
		insert.BindText(4, record[4])
		insert.BindText(5, `{"order":"`+record[0]+`"}`)
		insert.BindText(6, key)
		insert.BindText(7, at)
		if _, err := insert.Step(); err != nil {
			return err
		}
		if err := insert.Reset(); err != nil {
			return err
		}
	}
}
