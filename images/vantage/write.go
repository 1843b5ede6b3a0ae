package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// writeRun answers with the state of a run, and with its rows when it is done; row by row, never as one text.
func writeRun(w http.ResponseWriter, r *http.Request, found *run) {
	w.Header().Set("Content-Type", "application/json")
	var out io.Writer = w
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		packed, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // fails only for a level that does not exist
		defer packed.Close()
		out = packed
	}
	buffered := bufio.NewWriterSize(out, 64<<10)
	defer buffered.Flush()
	done := found.isDone()
	head := map[string]any{"done": done, "now": unixSeconds(time.Now()), "error": found.why()}
	if !done {
		writeHead(buffered, head)
		_, _ = buffered.WriteString("}\n")
		return
	}
	names := found.replicas.names
	if names == nil {
		names = []string{}
	}
	head["columns"] = []string{"scheduled", "start", "end", "status", "served_by", "error"}
	head["replicas"] = names
	writeHead(buffered, head)
	writeRows(buffered, found)
}

// writeHead writes an object without its closing brace.
func writeHead(out *bufio.Writer, head map[string]any) {
	text, _ := json.Marshal(head) // plain values only: cannot fail
	_, _ = out.Write(text[:len(text)-1])
}

func writeRows(out *bufio.Writer, found *run) {
	_, _ = out.WriteString(`,"rows":[`)
	began := found.began.UnixMicro()
	line := make([]byte, 0, 128)
	for index, one := range found.rows {
		line = line[:0]
		if index > 0 {
			line = append(line, ',', '\n')
		}
		line = append(line, '[')
		for _, at := range []int64{one.scheduled, one.start, one.end} {
			line = append(strconv.AppendFloat(line, float64(began+at)/1e6, 'f', 6, 64), ',')
		}
		line = append(strconv.AppendUint(line, uint64(one.status), 10), ',')
		line = append(strconv.AppendInt(line, int64(one.replica), 10), ',')
		line = append(strconv.AppendQuote(line, one.failure), ']')
		_, _ = out.Write(line)
	}
	_, _ = out.WriteString("]}\n")
}
