package temporalretry

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// attempt returns the context of a call. Heartbeats are recorded until end is called.
// The context ends a little before the activity does, because the server receives
// nothing from an activity that is late.
func attempt(ctx context.Context) (within context.Context, end func()) {
	stop := beat(ctx)
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, stop
	}
	within, cancel := context.WithDeadline(ctx, deadline.Add(-margin(time.Until(deadline))))
	return within, func() { cancel(); stop() }
}

// margin is the part of an activity's time that is kept for its report.
func margin(left time.Duration) time.Duration { return min(max(left, 0)/10, 5*time.Second) }

// beat records three heartbeats in each heartbeat timeout, if there is one.
func beat(ctx context.Context) (stop func()) {
	if !activity.IsActivity(ctx) {
		return func() {}
	}
	info := activity.GetInfo(ctx)
	if info.HeartbeatTimeout <= 0 || info.IsLocalActivity {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(max(info.HeartbeatTimeout/3, time.Millisecond))
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-tick.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
	return func() { close(done) }
}
