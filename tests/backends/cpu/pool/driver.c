/* Runs the pool hard: cc -pthread -I backends/convt_cpu/pool tests/backends/cpu/pool/driver.c -o driver && ./driver
 *
 * test_driver.py builds it with sanitizers and with either way to sleep. The pool's source is part of it, so that threads can be
 * made late or refused, and its state be seen. Every scenario runs in a process of its own; a hang is ended by an alarm. */

#include "driver/forks.h"
#include "driver/interruptions.h"
#include "driver/jobs.h"
#include "driver/parts.h"

#define SCENARIO(name) {#name, name}

static const struct {
    const char *name;
    void (*run)(void);
} scenarios[] = {
    SCENARIO(every_task_is_done_once),
    SCENARIO(a_failure_ends_the_job),
    SCENARIO(many_callers),
    SCENARIO(late_workers_are_not_awaited),
    SCENARIO(without_workers),
    SCENARIO(larger_stacks_where_small_ones_are_refused),
    SCENARIO(workers_block_signals),
    SCENARIO(idle_workers_sleep),
    SCENARIO(news_of_full_jobs_does_not_keep_workers_awake),
    SCENARIO(a_handler_may_call),
    SCENARIO(a_handler_that_raises_ends_the_job),
    SCENARIO(a_call_of_many_short_stages_asks_too),
    SCENARIO(it_is_not_asked_often),
    SCENARIO(who_waits_for_a_worker_asks_too),
    SCENARIO(other_threads_do_not_ask),
    SCENARIO(a_child_makes_its_own_workers),
    SCENARIO(a_child_forked_while_others_call),
    SCENARIO(a_handler_may_fork),
    SCENARIO(workers_go_out_for_a_fork_and_come_back),
    SCENARIO(another_thread_may_fork),
    SCENARIO(workers_change_over_to_a_new_job),
    SCENARIO(more_callers_than_slots),
    SCENARIO(a_caller_with_little_stack),
    SCENARIO(a_gate_gives_each_seat_once),
    SCENARIO(pieces_get_smaller),
#ifdef __linux__
    SCENARIO(workers_of_a_pinned_thread_are_free),
    SCENARIO(workers_step_aside_from_their_callers_core),
    SCENARIO(stepping_aside_leaves_the_allowed_cores),
#endif
};

int main(int arguments, char **argument)
{
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (arguments > 1 && strcmp(argument[1], scenarios[i].name))
            continue;
        int64_t start = nanoseconds();
        pid_t child = fork();
        if (!child) {
            alarm(60);
            main_thread = pthread_self();
            convt_pool_start(poll_now, is_main);
            scenarios[i].run();
            return 0;
        }
        int status;
        waitpid(child, &status, 0);
        printf("%-45s %s (%.2f s)\n", scenarios[i].name, status ? "FAILED" : "passed", 1e-9 * (nanoseconds() - start));
        fflush(stdout);
        if (status)
            return 1;
    }
    return 0;
}
