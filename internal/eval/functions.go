package eval

import (
	"slices"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// A Function is what documentation says of one function of the language.
type Function struct {
	Name      string
	Signature string
	Doc       string
}

// builtin is a function and its implementation; nil where the implementation
// belongs to a scope.
type builtin struct {
	Function
	impl *function.Function
}

// Functions lists the functions of the language by name. None reaches the
// network, and each gives the same answer within one run; env and file read
// the machine they run on.
func Functions() []Function {
	out := make([]Function, len(builtins))
	for i, b := range builtins {
		out[i] = b.Function
	}
	return out
}

var builtins = library()

// shared are the functions that need no scope.
var shared = func() map[string]function.Function {
	m := make(map[string]function.Function)
	for _, b := range builtins {
		if b.impl != nil {
			m[b.Name] = *b.impl
		}
	}
	return m
}()

// library is the list, under Terraform's names.
func library() []builtin {
	var all []builtin
	raw := func(name, signature, doc string, f function.Function) {
		all = append(all, builtin{Function{name, signature, doc}, &f})
	}
	add := func(name, signature, doc string, f function.Function) { raw(name, signature, doc, bounded(name, f)) }
	scoped := func(name, signature, doc string) {
		all = append(all, builtin{Function{name, signature, doc}, nil})
	}

	add("abs", "abs(number)", "The number without its sign.", absFunc)
	add("ceil", "ceil(number)", "The next whole number that isn't smaller.", ceilFunc)
	add("divide", "divide(a, b, places)", "a / b as a decimal, rounded half to even at so many places.", divideFunc)
	add("floor", "floor(number)", "The next whole number that isn't larger.", floorFunc)
	add("log", "log(number, base)", "The logarithm of a number.", stdlib.LogFunc)
	add("max", "max(number, …)", "The largest of its arguments.", maxFunc)
	add("min", "min(number, …)", "The smallest of its arguments.", minFunc)
	add("parseint", "parseint(string, base)", "A whole number written in the given base.", stdlib.ParseIntFunc)
	add("pow", "pow(number, power)", "A number raised to a power.", stdlib.PowFunc)
	add("round", "round(number, places)", "The number as a decimal, rounded half to even at so many places.", roundFunc)
	add("signum", "signum(number)", "-1, 0 or 1 as the number is negative, zero or positive.", signumFunc)
	add("sum", "sum(list)", "The sum of a list of numbers or decimals.", sumFunc)

	add("chomp", "chomp(string)", "The string without line ends at its end.", stdlib.ChompFunc)
	add("basename", "basename(path)", "The last part of a path, between slashes on every system.", basenameFunc)
	add("dirname", "dirname(path)", "A path without its last part, between slashes on every system.", dirnameFunc)
	add("endswith", "endswith(string, suffix)", "Whether the string ends with the suffix.", endsWithFunc)
	add("format", "format(spec, value, …)", "Text made by a specification such as \"%s-%04d\".", stdlib.FormatFunc)
	add("formatlist", "formatlist(spec, list, …)", "Format for each element of lists.", stdlib.FormatListFunc)
	add("indent", "indent(spaces, string)", "All lines but the first set in by so many spaces.", stdlib.IndentFunc)
	add("join", "join(separator, list)", "The strings of a list with the separator between them.", stdlib.JoinFunc)
	add("lower", "lower(string)", "The string in lower case.", stdlib.LowerFunc)
	add("regex", "regex(pattern, string)", "The first match of an RE2 pattern; an error where there is none.", stdlib.RegexFunc)
	add("regexall", "regexall(pattern, string)", "All matches of an RE2 pattern.", stdlib.RegexAllFunc)
	add("replace", "replace(string, substring, replacement)", "Every occurrence replaced; a substring between slashes is an RE2 pattern.", replaceFunc)
	add("split", "split(separator, string)", "The parts of a string.", stdlib.SplitFunc)
	add("startswith", "startswith(string, prefix)", "Whether the string begins with the prefix.", startsWithFunc)
	add("strcontains", "strcontains(string, substring)", "Whether the string holds the substring.", strContainsFunc)
	add("strrev", "strrev(string)", "The string's characters in reverse.", stdlib.ReverseFunc)
	add("substr", "substr(string, offset, length)", "Part of a string, in characters.", stdlib.SubstrFunc)
	add("title", "title(string)", "The first letter of each word in upper case.", stdlib.TitleFunc)
	add("trim", "trim(string, characters)", "The string without the given characters at its ends.", stdlib.TrimFunc)
	add("trimprefix", "trimprefix(string, prefix)", "The string without a prefix.", stdlib.TrimPrefixFunc)
	add("trimspace", "trimspace(string)", "The string without white space at its ends.", stdlib.TrimSpaceFunc)
	add("trimsuffix", "trimsuffix(string, suffix)", "The string without a suffix.", stdlib.TrimSuffixFunc)
	add("upper", "upper(string)", "The string in upper case.", stdlib.UpperFunc)

	add("alltrue", "alltrue(list)", "Whether every element is true; so it is for an empty list.", allTrueFunc)
	add("anytrue", "anytrue(list)", "Whether any element is true.", anyTrueFunc)
	add("chunklist", "chunklist(list, size)", "A list cut into lists of a size.", stdlib.ChunklistFunc)
	add("coalesce", "coalesce(value, …)", "The first argument that is neither null nor \"\".", coalesceFunc)
	add("coalescelist", "coalescelist(list, …)", "The first list that isn't empty.", stdlib.CoalesceListFunc)
	add("compact", "compact(list)", "A list of strings without null and \"\".", stdlib.CompactFunc)
	add("concat", "concat(list, …)", "Lists put one after another.", stdlib.ConcatFunc)
	add("contains", "contains(list, value)", "Whether a list or set holds a value.", containsFunc)
	add("distinct", "distinct(list)", "A list without repetitions.", stdlib.DistinctFunc)
	add("element", "element(list, index)", "One element; the index wraps around.", stdlib.ElementFunc)
	add("flatten", "flatten(list)", "Lists within lists made one list.", stdlib.FlattenFunc)
	add("index", "index(list, value)", "The place of the first element that equals a value.", indexFunc)
	add("keys", "keys(map)", "A map's keys, sorted.", stdlib.KeysFunc)
	add("length", "length(value)", "The number of elements, or of a string's characters.", lengthFunc)
	add("lookup", "lookup(map, key, default)", "A map's element, or the default.", stdlib.LookupFunc)
	add("merge", "merge(map, …)", "Maps or objects together; later ones win.", stdlib.MergeFunc)
	add("matchkeys", "matchkeys(values, keys, wanted)", "The values whose key, at the same place in a list of keys, is among the wanted ones.", matchKeysFunc)
	add("one", "one(list)", "The only element of a list, set or tuple; null where there is none, and an error where there are more.", oneFunc)
	add("range", "range(start, limit, step)", "Numbers from start to below limit; at most 1024.", stdlib.RangeFunc)
	add("reverse", "reverse(list)", "A list in reverse order.", stdlib.ReverseListFunc)
	add("setintersection", "setintersection(set, …)", "What all sets hold.", stdlib.SetIntersectionFunc)
	add("setproduct", "setproduct(set, …)", "All combinations of elements; at most 65536.", stdlib.SetProductFunc)
	add("setsubtract", "setsubtract(a, b)", "What a holds and b doesn't.", stdlib.SetSubtractFunc)
	add("setunion", "setunion(set, …)", "What any of the sets holds.", stdlib.SetUnionFunc)
	add("slice", "slice(list, start, end)", "Consecutive elements of a list.", stdlib.SliceFunc)
	add("sort", "sort(list)", "A list of strings in order.", stdlib.SortFunc)
	add("transpose", "transpose(map)", "A map of lists turned round: from each element to the sorted keys that have it.", transposeFunc)
	add("values", "values(map)", "A map's values in the order of its keys.", stdlib.ValuesFunc)
	add("zipmap", "zipmap(keys, values)", "A map from a list of keys and a list of values.", stdlib.ZipmapFunc)

	add("base64decode", "base64decode(string)", "The text that Base64 stands for.", base64DecodeFunc)
	add("base64encode", "base64encode(string)", "The string's UTF-8 bytes in Base64.", base64EncodeFunc)
	add("base64sha256", "base64sha256(string)", "The SHA-256 of the string's UTF-8 bytes, in Base64.", base64SHA256Func)
	add("base64sha512", "base64sha512(string)", "The SHA-512 of the string's UTF-8 bytes, in Base64.", base64SHA512Func)
	add("csvdecode", "csvdecode(string)", "Rows of a CSV text as objects. Lists belong in list blocks; this is for small tables.", stdlib.CSVDecodeFunc)
	add("jsondecode", "jsondecode(string)", "The value that a JSON text stands for.", stdlib.JSONDecodeFunc)
	add("jsonencode", "jsonencode(value)", "A value as JSON; decimals as strings.", jsonEncodeFunc)
	add("md5", "md5(string)", "The MD5 of the string's UTF-8 bytes, in hexadecimal; for APIs that ask for it, since it protects nothing.", md5Func)
	add("sha1", "sha1(string)", "The SHA-1 of the string's UTF-8 bytes, in hexadecimal; for APIs that ask for it, since it protects nothing.", sha1Func)
	add("sha256", "sha256(string)", "The SHA-256 of the string's UTF-8 bytes, in hexadecimal.", sha256Func)
	add("sha512", "sha512(string)", "The SHA-512 of the string's UTF-8 bytes, in hexadecimal.", sha512Func)
	add("urldecode", "urldecode(string)", "The text that part of a URL's query stands for.", urlDecodeFunc)
	add("urlencode", "urlencode(string)", "The string as part of a URL's query.", urlEncodeFunc)

	add("formatdate", "formatdate(spec, timestamp)", "A timestamp by a specification such as \"YYYY-MM-DD\".", stdlib.FormatDateFunc)
	add("timeadd", "timeadd(timestamp, duration)", "A timestamp moved by a duration such as \"-24h\".", stdlib.TimeAddFunc)
	add("timecmp", "timecmp(a, b)", "-1, 0 or 1 as timestamp a is before, at or after b.", timeCmpFunc)
	scoped("timestamp", "timestamp()", "The time at which the run was planned, the same everywhere in it.")

	raw("can", "can(expression)", "Whether an expression can be evaluated without an error.", tryfunc.CanFunc)
	raw("try", "try(expression, …)", "The first of its arguments that can be evaluated without an error.", tryfunc.TryFunc)
	add("sensitive", "sensitive(value)", "The value, marked as sensitive: shown to nobody, and stored encrypted or not at all.", sensitiveFunc)
	add("tobool", "tobool(value)", "The value as a bool.", stdlib.MakeToFunc(cty.Bool))
	add("todecimal", "todecimal(value)", "The value as a decimal, which computes exactly.", toDecimalFunc)
	add("tolist", "tolist(value)", "The value as a list.", stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)))
	add("tomap", "tomap(value)", "The value as a map.", stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)))
	add("tonumber", "tonumber(value)", "The value as a number. Amounts are decimals: use todecimal for them.", stdlib.MakeToFunc(cty.Number))
	add("toset", "toset(value)", "The value as a set.", stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)))
	add("tostring", "tostring(value)", "The value as a string.", stdlib.MakeToFunc(cty.String))

	scoped("env", "env(name)", "An environment variable. Its value is sensitive; it is an error where it isn't set.")
	scoped("file", "file(path)", "A text file's content, at most 1 MiB; the path is relative to the file that says it.")

	slices.SortFunc(all, func(a, b builtin) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return all
}
