package man

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// tree is a small program with all that a page can have.
func tree() *cobra.Command {
	root := &cobra.Command{Use: "till", Short: "Keeps a till", Long: "Till keeps *.till files.\n'Twas so before.\n\n.ignored by nobody\n\n\ttill count \"C:\\new\"\n\n#### macOS:\n\nAnd more."}
	root.PersistentFlags().Bool("json", false, "write JSON")
	count := &cobra.Command{Use: "count [FILE…]", Short: "Count what is in it", Run: func(*cobra.Command, []string) {}}
	count.Flags().Bool("exact", true, "count coins too")
	count.Flags().StringP("out", "o", "", "write to this `file`")
	count.Flags().Duration("wait", 5*time.Second, "how `long` to wait")
	count.Flags().Bool("secret", false, "")
	count.Flags().Lookup("secret").Hidden = true
	root.AddCommand(count, &cobra.Command{Use: "pack", Short: "Pack it", Hidden: true, Run: func(*cobra.Command, []string) {}})
	return root
}

func TestPages(t *testing.T) {
	t.Parallel()
	m := Manual{
		Name: "till 1.2", Date: time.Date(2026, 11, 20, 23, 0, 0, 0, time.FixedZone("", -5*3600)),
		Exits: []Entry{{"0", "Done."}}, Environ: []Entry{{"TILL", "Which."}}, Files: []Entry{{"~/.till", "It."}}, More: "Elsewhere.",
	}
	want := map[string]string{
		"till.1": `.TH "TILL" 1 "2026-11-21" "till 1.2" "User Commands"
.nh
.ad l
.SH NAME
till \- keeps a till
.SH SYNOPSIS
\fBtill\fR COMMAND [flags]
.SH DESCRIPTION
.PP
Till keeps *.till files.
\(aqTwas so before.
.PP
\&.ignored by nobody
.PP
.RS 4
.nf
till count \(dqC:\enew\(dq
.fi
.RE
.PP
\fBmacOS:\fR
.PP
And more.
.SH COMMANDS
.TP
\fBtill\-count(1)\fR
Count what is in it.
.SH OPTIONS
.TP
\fB\-\-json\fR
write JSON.
.SH EXIT STATUS
.TP
\fB0\fR
Done.
.SH ENVIRONMENT
.TP
\fBTILL\fR
Which.
.SH FILES
.TP
\fB\(ti/.till\fR
It.
.SH SEE ALSO
till\-count(1)
.PP
Elsewhere.
`,
		"till-count.1": `.TH "TILL\-COUNT" 1 "2026-11-21" "till 1.2" "User Commands"
.nh
.ad l
.SH NAME
till\-count \- count what is in it
.SH SYNOPSIS
\fBtill\fR count [FILE\[u2026]] [flags]
.SH DESCRIPTION
.PP
Count what is in it.
.SH OPTIONS
.TP
\fB\-\-exact=false\fR
count coins too; so it is unless told otherwise.
.TP
\fB\-o, \-\-out\fR \fIfile\fR
write to this file.
.TP
\fB\-\-wait\fR \fIlong\fR
how long to wait; 5s unless told otherwise.
.SH COMMON OPTIONS
.TP
\fB\-\-json\fR
write JSON.
.SH EXIT STATUS
.TP
\fB0\fR
Done.
.SH SEE ALSO
till(1)
.PP
Elsewhere.
`,
	}
	got := map[string]string{}
	for name, page := range m.Pages(tree()) {
		got[name] = string(page)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestEscape holds every character to come out as what a reader can type, in
// a page that is ASCII.
func TestEscape(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for c := rune(' '); c < 0x250; c++ {
		all.WriteRune(c)
	}
	got := escape(all.String() + "…→")
	for _, c := range got {
		if c > '~' || c < ' ' {
			t.Errorf("%q is left as it is", c)
		}
	}
	for text, want := range map[string]string{"--out": `\-\-out`, `a\nb`: `a\enb`, "PATH…": `PATH\[u2026]`, "'`^~\"": `\(aq\(ga\(ha\(ti\(dq`} {
		if got := escape(text); got != want {
			t.Errorf("escape(%q) = %q, want %q", text, got, want)
		}
	}
}
