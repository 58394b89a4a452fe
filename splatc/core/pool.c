/* The threads: one pool for the process, shared by all callers (core.h, "Threads"). */
#include "internal.h"
#include "pack.h"

#if !defined(__wasm__)
#include "fit.h"
#include "loss_parts.h"
#include "metric_parts.h"
#include "rdo.h"
#include "seed.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

typedef HANDLE thread;
static SRWLOCK lock = SRWLOCK_INIT;
static CONDITION_VARIABLE work = CONDITION_VARIABLE_INIT, finished = CONDITION_VARIABLE_INIT;

static void acquire(void) { AcquireSRWLockExclusive(&lock); }
static void release(void) { ReleaseSRWLockExclusive(&lock); }
static void wait_for_work(void) { SleepConditionVariableSRW(&work, &lock, INFINITE, 0); }
static void wait_for_end(int32_t milliseconds) { SleepConditionVariableSRW(&finished, &lock, (DWORD)milliseconds, 0); }
static void wake_workers(void) { WakeAllConditionVariable(&work); }
static void wake_callers(void) { WakeAllConditionVariable(&finished); }
static void let_others_run(void) { SwitchToThread(); }
static void run_worker(int32_t number);
static DWORD WINAPI entry(LPVOID number) {
    run_worker((int32_t)(intptr_t)number);
    return 0;
}
static int32_t start_thread(thread *t, int32_t number) {
    *t = CreateThread(NULL, 0, entry, (LPVOID)(intptr_t)number, 0, NULL);
    return *t != NULL;
}
static void join_thread(thread t) {
    WaitForSingleObject(t, INFINITE);
    CloseHandle(t);
}
static void forget_threads_of_parent(void) {}

#else
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

typedef pthread_t thread;
static pthread_mutex_t lock; /* made by the first call of a process: forget_threads_of_parent */
static pthread_cond_t work, finished;

static void acquire(void) { pthread_mutex_lock(&lock); }
static void release(void) { pthread_mutex_unlock(&lock); }
static void wait_for_work(void) { pthread_cond_wait(&work, &lock); }

#if defined(__APPLE__) /* whose conditions know one clock */
static const clockid_t CLOCK = CLOCK_REALTIME;
static void make_timed(pthread_cond_t *condition) { pthread_cond_init(condition, NULL); }
#else
static const clockid_t CLOCK = CLOCK_MONOTONIC;
static void make_timed(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}
#endif

static void wait_for_end(int32_t milliseconds) {
    struct timespec end;
    clock_gettime(CLOCK, &end);
    end.tv_sec += milliseconds / 1000;
    end.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (end.tv_nsec >= 1000000000) end.tv_sec++, end.tv_nsec -= 1000000000;
    pthread_cond_timedwait(&finished, &lock, &end);
}
static void wake_workers(void) { pthread_cond_broadcast(&work); }
static void wake_callers(void) { pthread_cond_broadcast(&finished); }
static void let_others_run(void) { sched_yield(); }
static void run_worker(int32_t number);
static void *entry(void *number) {
    run_worker((int32_t)(intptr_t)number);
    return NULL;
}
static int32_t start_thread(thread *t, int32_t number) {
    sigset_t every, before; /* signals are for the threads of the caller */
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    int failed = pthread_create(t, NULL, entry, (void *)(intptr_t)number);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0;
}
static void join_thread(thread t) { pthread_join(t, NULL); }
static void forget_threads_of_parent(void);
#endif

static thread threads[CORE_MAX_WORKERS];
static int32_t alive[CORE_MAX_WORKERS]; /* 1: runs, 2: has ended and is to be joined */
static int32_t retiring;                /* workers without work end */
static int32_t idle;                    /* workers that wait for work */
static int32_t looking;                 /* workers that look out for it, awake */
static int32_t expected;                /* as many as the last job wanted beside its caller: more need not look out */
static core_job *first_job;
static int64_t events; /* what may have made an item free: a new job, a phase that is done */

/* Looks out for the next event for some 50 us: to sleep and to be woken takes as long as a good part of a step of the fit. Without the lock. */
static void await_event(int64_t seen) {
    for (int32_t i = 0; i < 2000 && __atomic_load_n(&events, __ATOMIC_RELAXED) == seen; i++) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
    }
}

#if !defined(_WIN32)
static pid_t claimed, owner; /* the process that begins anew, the one that has done so */

/* After a fork the threads are gone, and the lock may be held by one of them. One thread begins anew; others that call for the first time
   wait for it: they must not undo what it has started. */
static void forget_threads_of_parent(void) {
    pid_t here = getpid(), claim = __atomic_load_n(&claimed, __ATOMIC_RELAXED);
    if (__atomic_load_n(&owner, __ATOMIC_ACQUIRE) == here) return;
    if (claim == here || !__atomic_compare_exchange_n(&claimed, &claim, here, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        while (__atomic_load_n(&owner, __ATOMIC_ACQUIRE) != here) sched_yield();
        return;
    }
    pthread_mutex_init(&lock, NULL);
    pthread_cond_init(&work, NULL);
    make_timed(&finished);
    memset(alive, 0, sizeof alive);
    retiring = idle = looking = 0;
    first_job = NULL;
    __atomic_store_n(&owner, here, __ATOMIC_RELEASE);
}
#endif

static int32_t dequantize_chunk(const core_dequantizing *t, int64_t chunk) {
    int64_t i = chunk * CORE_CHUNK, count = min64(t->count - i, CORE_CHUNK);
    if (t->steps == NULL) return CORE_INVALID;
    core_columns columns = tail_of_columns(&t->columns, i, t->steps->channels);
    core_gaussians gaussians = tail_of_gaussians(&t->gaussians, i, t->steps->channels);
    return core_dequantize(t->steps, count, &columns, &gaussians);
}

static int32_t place_chunk(const core_placing *t, int64_t chunk) {
    int64_t i = chunk * CORE_CHUNK, count = min64(t->count - i, CORE_CHUNK);
    core_gaussians gaussians = tail_of_gaussians(&t->gaussians, i, t->channels);
    return core_place(t->view, count, &gaussians, t->channels, t->normalized, t->placed + i);
}

/* Items of a job in as many bands as it has workers, one of each band in turn: what two workers write at a time lies far apart. A fresh output comes in pages of
   up to 2 MB, which both would otherwise wait for, or clear twice. */
static int64_t in_bands(const core_job *job, int64_t item) {
    int64_t length = job->items / job->workers, longer = job->items % job->workers, band = item % job->workers;
    return band * length + min64(band, longer) + item / job->workers;
}

static int32_t run_decode(const core_job *job, int64_t item, int32_t worker) {
    return core_decode_section(job->task, job->list == NULL ? item : job->list[item], worker);
}
static int32_t run_draw(const core_job *job, int64_t item, int32_t worker) { return core_draw_tile(job->task, in_bands(job, item), worker); }
static int32_t run_dequantize(const core_job *job, int64_t item, int32_t worker) {
    (void)worker;
    return dequantize_chunk(job->task, item);
}
static int32_t run_place(const core_job *job, int64_t item, int32_t worker) {
    (void)worker;
    return place_chunk(job->task, item);
}
static int32_t run_quantize(const core_job *job, int64_t item, int32_t worker) {
    const core_quantizing *t = job->task;
    (void)worker;
    return core_quantize(t, item * CORE_CHUNK, min64(t->count - item * CORE_CHUNK, CORE_CHUNK));
}
static int32_t run_predict(const core_job *job, int64_t item, int32_t worker) {
    (void)worker;
    return core_predict_item(job->task, item);
}
static int32_t run_pack(const core_job *job, int64_t item, int32_t worker) {
    return core_pack_section_of(job->task, job->list == NULL ? item : job->list[item], worker);
}

static int32_t run_fit(const core_job *job, int64_t item, int32_t worker) { return core_fit_item((core_fit *)(uintptr_t)job->task, item, worker); }
static int32_t run_sum(const core_job *job, int64_t item, int32_t worker) {
    (void)worker;
    return sum_band(job->task, item);
}
static int32_t run_reduce(const core_job *job, int64_t item, int32_t worker) {
    (void)worker;
    return reduce_band(job->task, in_bands(job, item));
}
static int32_t run_split(const core_job *job, int64_t item, int32_t worker) {
    (void)worker;
    return split_band(job->task, in_bands(job, item));
}
static int32_t run_features(const core_job *job, int64_t item, int32_t worker) {
    (void)worker;
    return find_features(job->task, in_bands(job, item));
}
static int32_t run_colours(const core_job *job, int64_t item, int32_t worker) {
    (void)worker;
    return find_colours(job->task, item);
}
static int32_t run_nearest(const core_job *job, int64_t item, int32_t worker) {
    (void)worker;
    return find_nearest(job->task, item);
}
static int32_t run_target_of_loss(const core_job *job, int64_t item, int32_t worker) { return run_loss_target(job->task, item, worker); }
static int32_t run_gradient_of_loss(const core_job *job, int64_t item, int32_t worker) { return run_loss(job->task, item, worker); }
static int32_t run_curvature_of_loss(const core_job *job, int64_t item, int32_t worker) { return run_loss_curvature(job->task, item, worker); }
static int32_t run_chunk_of_squares(const core_job *job, int64_t item, int32_t worker) {
    (void)worker;
    return run_squares(job->task, item);
}
static int32_t run_part_of_similarity(const core_job *job, int64_t item, int32_t worker) { return run_similarity(job->task, item, worker); }

static int32_t run_turn(const core_job *job, int64_t item, int32_t worker) {
    (void)worker;
    return core_rdo_choose(job->task, item, item + 1);
}

typedef int32_t run_item(const core_job *job, int64_t item, int32_t worker);
static run_item *const RUN[CORE_JOB_KINDS] = {
    [CORE_JOB_DECODE] = run_decode,
    [CORE_JOB_DRAW] = run_draw,
    [CORE_JOB_DEQUANTIZE] = run_dequantize,
    [CORE_JOB_PLACE] = run_place,
    [CORE_JOB_FIT] = run_fit,
    [CORE_JOB_SUM] = run_sum,
    [CORE_JOB_REDUCE] = run_reduce,
    [CORE_JOB_SPLIT] = run_split,
    [CORE_JOB_FEATURES] = run_features,
    [CORE_JOB_COLOURS] = run_colours,
    [CORE_JOB_NEAREST] = run_nearest,
    [CORE_JOB_LOSS_TARGET] = run_target_of_loss,
    [CORE_JOB_LOSS] = run_gradient_of_loss,
    [CORE_JOB_LOSS_CURVATURE] = run_curvature_of_loss,
    [CORE_JOB_SQUARES] = run_chunk_of_squares,
    [CORE_JOB_SIMILARITY] = run_part_of_similarity,
    [CORE_JOB_QUANTIZE] = run_quantize,
    [CORE_JOB_PREDICT] = run_predict,
    [CORE_JOB_PACK] = run_pack,
    [CORE_JOB_RDO] = run_turn,
};

static int32_t is_done(const core_job *job) { return job->done == job->taken && (job->taken == job->items || job->stop); }

/* The items that may be taken by now: those up to the end of a phase whose predecessors are all done. */
static int64_t released(const core_job *job) {
    if (job->phases == NULL) return job->items;
    int64_t k = 0;
    while (k < job->phase_count - 1 && job->phases[k] <= job->done) k++;
    return job->phases[k];
}

/* Whether a job has an item for one more worker. */
static int32_t is_open(const core_job *job) {
    return __builtin_popcountll(job->busy) < job->workers && job->taken < released(job) && !job->stop;
}

static core_job *open_job(void) {
    core_job *job = first_job;
    while (job != NULL && !is_open(job)) job = job->link;
    return job;
}

static void append_job(core_job *job) {
    core_job **at = &first_job;
    while (*at != NULL) at = &(*at)->link;
    *at = job;
    job->link = NULL;
}

static void remove_job(core_job *job) {
    core_job **at = &first_job;
    while (*at != NULL && *at != job) at = &(*at)->link;
    if (*at == job) *at = job->link;
}

/* Whether there may soon be an item for one more worker: when a phase is done, or, where there is no job, when the next one comes. */
static int32_t may_open(void) {
    const core_job *job = first_job;
    while (job != NULL && __builtin_popcountll(job->busy) >= job->workers) job = job->link;
    return job != NULL || first_job == NULL;
}

/* Those who look out find what is open, and wake others if there is more. */
static void wake_if_open(void) {
    if (idle > 0 && looking == 0 && open_job() != NULL) wake_workers();
}

/* Runs one item of a job, as the first worker of it that is free; with the lock held, but while the item runs. Jobs take turns, so that a short one does not
   wait for the end of a long one. */
static void run_next(core_job *job) {
    int32_t worker = __builtin_ctzll(~job->busy);
    int64_t item = job->taken++;
    job->busy |= (uint64_t)1 << worker;
    remove_job(job);
    append_job(job);
    wake_if_open();
    release();
    int32_t status = RUN[job->kind](job, item, worker);
    acquire();
    job->busy &= ~((uint64_t)1 << worker);
    job->done++;
    if (job->phases != NULL) __atomic_add_fetch(&events, 1, __ATOMIC_RELAXED);
    if (status != CORE_OK && job->status == CORE_OK) job->status = status;
    if (status != CORE_OK && job->phases != NULL) job->stop = 1; /* a later phase builds on this one */
    if (is_done(job) || (job->joined && is_open(job))) wake_callers(); /* and touch the job no more: its caller may free it */
}

static void run_worker(int32_t number) {
    int64_t looked = -1; /* the last event that was looked out from */
    acquire();
    while (1) {
        core_job *job = open_job();
        if (job != NULL) {
            run_next(job);
            continue;
        }
        if (retiring) break;
        int64_t seen = __atomic_load_n(&events, __ATOMIC_RELAXED);
        if (seen != looked && looking < expected && may_open()) { /* something happened lately, so something may soon */
            looked = seen;
            looking++;
            release();
            await_event(seen);
            acquire();
            looking--;
            continue;
        }
        idle++;
        wait_for_work();
        idle--;
    }
    alive[number] = 2;
    wake_callers();
    release();
}

/* As many threads as the job wants, or fewer where the system gives no more; with the lock held. */
static int32_t have_workers(int32_t wanted) {
    int32_t running = 0;
    for (int32_t i = 0; i < CORE_MAX_WORKERS && running < wanted; i++) {
        if (alive[i] == 2) {
            join_thread(threads[i]);
            alive[i] = 0;
        }
        if (alive[i] == 0 && start_thread(&threads[i], i)) alive[i] = 1;
        running += alive[i] == 1;
    }
    return running;
}

static int32_t phases_are_sound(const core_job *job) {
    if (job->phases == NULL) return 1;
    if (job->phase_count < 1 || job->phases[job->phase_count - 1] != job->items) return 0;
    for (int64_t k = 0; k < job->phase_count; k++)
        if (job->phases[k] < (k == 0 ? 0 : job->phases[k - 1])) return 0;
    return 1;
}

int32_t core_start(core_job *job) {
    if (job == NULL || job->workers < 1 || job->workers > CORE_MAX_WORKERS || job->items < 0 || job->task == NULL ||
        (job->joined != 0 && job->joined != 1) || job->kind < 0 || job->kind >= CORE_JOB_KINDS || RUN[job->kind] == NULL || !phases_are_sound(job))
        return CORE_INVALID;
    forget_threads_of_parent();
    acquire();
    job->taken = job->done = 0;
    job->busy = 0;
    job->stop = job->status = 0;
    retiring = 0;
    int32_t wanted = max32(job->workers - job->joined, 0), status = have_workers(wanted) > 0 || wanted == 0 ? CORE_OK : CORE_NO_THREAD;
    if (status == CORE_OK) {
        append_job(job);
        __atomic_add_fetch(&events, 1, __ATOMIC_RELAXED);
        expected = wanted;
        wake_if_open();
    }
    release();
    return status;
}

enum { JOINED_ITEMS = 64 }; /* of a caller until it looks for signals again */

/* Runs an item of a job, or looks out for the next; with the lock held. */
static void work_along(core_job *job) {
    if (is_open(job)) {
        run_next(job);
        return;
    }
    int64_t seen = __atomic_load_n(&events, __ATOMIC_RELAXED);
    release();
    await_event(seen);
    /* A worker that was woken on this very processor would get it milliseconds later. Not before: each call costs a small fit some 5 %. */
    if (__atomic_load_n(&events, __ATOMIC_RELAXED) == seen) let_others_run();
    acquire();
}

int32_t core_wait(core_job *job, int32_t milliseconds) {
    int32_t status = CORE_RUNNING;
    forget_threads_of_parent();
    acquire();
    for (int32_t i = 0; job->joined && i < JOINED_ITEMS && !is_done(job); i++) work_along(job);
    if (!is_done(job) && !(job->joined && is_open(job))) wait_for_end(milliseconds);
    if (is_done(job)) {
        remove_job(job);
        status = job->stop && job->done < job->items && job->status == CORE_OK ? CORE_CANCELLED : job->status;
    }
    release();
    return status;
}

void core_cancel(core_job *job) {
    forget_threads_of_parent();
    acquire();
    __atomic_store_n(&job->stop, 1, __ATOMIC_RELAXED);
    release();
}

void core_retire(void) {
    forget_threads_of_parent();
    acquire();
    retiring = 1;
    wake_workers();
    int32_t busy = 0;
    for (int32_t i = 0; i < CORE_MAX_WORKERS; i++) {
        while (retiring && alive[i] == 1 && first_job == NULL) wait_for_end(1000); /* a new job wants the threads again */
        busy += alive[i] == 1;
        if (alive[i] != 2) continue;
        join_thread(threads[i]);
        alive[i] = 0;
    }
    if (busy > 0) retiring = 0;
    release();
}

#endif
