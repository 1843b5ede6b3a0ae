package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// decode reads one JSON object and nothing else; it answers 400 itself and returns false when that fails.
func decode(w http.ResponseWriter, r *http.Request, order any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrderBytes))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(order)
	if err == nil {
		if _, more := decoder.Token(); more != io.EOF {
			err = errors.New("more than one JSON value")
		}
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, fmt.Errorf("body of %s: %w", r.URL.Path, err))
	}
	return err == nil
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // fails only when the asker is gone
}

func refuse(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
}

func seconds(value float64) time.Duration { return time.Duration(value * float64(time.Second)) }

func unixSeconds(at time.Time) float64 { return float64(at.UnixMicro()) / 1e6 }
