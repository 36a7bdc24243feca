package rows

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"zombiezen.com/go/sqlite"
)

// maxLite bounds a value while SQLite computes it, which happens in our own
// process: a query of thirty characters may ask for a gigabyte.
const maxLite = 16 << 20

// sqlite reads an SQLite file.
func (l SQL) sqlite(ctx context.Context, to *spool) error {
	file, err := openRegular(l.Database)
	if err != nil {
		return err
	}
	file.Close()
	conn, err := sqlite.OpenConn(l.Database.Path, sqlite.OpenReadOnly)
	if err != nil {
		return l.liteFailed(ctx, err)
	}
	defer conn.Close()
	conn.SetInterrupt(ctx.Done())
	conn.Limit(sqlite.LimitLength, maxLite)
	// Opened to be read, the file can't be written; a statement that would
	// reach another one is refused here.
	err = conn.SetAuthorizer(sqlite.AuthorizeFunc(func(a sqlite.Action) sqlite.AuthResult {
		switch a.Type() {
		case sqlite.OpSelect, sqlite.OpRead, sqlite.OpFunction, sqlite.OpRecursive:
			return sqlite.AuthResultOK
		}
		return sqlite.AuthResultDeny
	}))
	if err != nil {
		return l.liteFailed(ctx, err)
	}
	query, behind, err := conn.PrepareTransient(l.Query)
	if err != nil {
		return l.liteFailed(ctx, err)
	}
	defer query.Finalize()
	switch {
	case strings.Trim(l.Query[len(l.Query)-behind:], " \t\r\n;") != "":
		return l.said("1", "the query has more than one statement")
	case query.ColumnCount() == 0:
		return l.said("1", "the query gives no rows")
	case query.BindParamCount() != len(l.Parameters):
		return l.miscounted(query.BindParamCount())
	}
	for i, p := range l.Parameters {
		switch v := p.(type) {
		case nil:
			query.BindNull(i + 1)
		case bool:
			query.BindBool(i+1, v)
		case int64:
			query.BindInt64(i+1, v)
		case string:
			query.BindText(i+1, v)
		}
	}
	columns := make([]spoolColumn, query.ColumnCount())
	cells := make([][]byte, len(columns))
	for n := 0; ; n++ {
		more, err := query.Step()
		if err != nil {
			return l.liteFailed(ctx, err)
		}
		if n == 0 { // a column is of the type of its first value
			for i := range columns {
				if columns[i].name = query.ColumnName(i); columns[i].name == "" {
					return l.refuse("Column without a name", fmt.Sprintf("Column %d of the query has no name, or that of another one. Give it one of its own: SELECT … AS amount.", i+1))
				}
				if is := query.ColumnType(i); more && (is == sqlite.TypeInteger || is == sqlite.TypeFloat) {
					columns[i].is = Decimal
				}
			}
			if err := to.head(columns); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
		for i := range cells {
			if cells[i], err = l.liteCell(query, i); err != nil {
				return err
			}
		}
		if err := to.write(cells); err != nil {
			return err
		}
	}
}

// liteCell is a value as text. What SQLite keeps of a decimal is a binary
// fraction of 15 digits, as with Excel.
func (l SQL) liteCell(query *sqlite.Stmt, i int) ([]byte, error) {
	switch query.ColumnType(i) {
	case sqlite.TypeNull:
		return nil, nil
	case sqlite.TypeInteger:
		return strconv.AppendInt(nil, query.ColumnInt64(i), 10), nil
	case sqlite.TypeFloat:
		text, ok := sheetNumber(strconv.FormatFloat(query.ColumnFloat(i), 'g', 17, 64))
		if !ok {
			return nil, l.inexact(query.ColumnName(i), "REAL with a number of more than 15 digits", "CAST("+query.ColumnName(i)+" AS TEXT)")
		}
		return []byte(text), nil
	case sqlite.TypeBlob:
		return nil, l.inexact(query.ColumnName(i), "BLOB", "hex("+query.ColumnName(i)+")")
	}
	return []byte(query.ColumnText(i)), nil
}

func (l SQL) liteFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	code := sqlite.ErrCode(err)
	switch code.ToPrimary() {
	case sqlite.ResultAuth, sqlite.ResultReadOnly:
		return l.refuse("Query that writes", "The query would change the database or reach another one, and a list is only read. Write a SELECT.")
	case sqlite.ResultNotADB, sqlite.ResultCorrupt:
		return l.refuse("Not a database", l.Database.Source+" is no SQLite database, or it is damaged. Name the file of one, or get it again.")
	}
	message := err.Error()
	if _, said, ok := strings.Cut(message, "SQL logic error: "); ok {
		message = said
	}
	return l.said(fmt.Sprint(int(code)), message)
}
