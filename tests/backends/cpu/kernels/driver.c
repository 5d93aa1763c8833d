/* Runs every kernel of kernels/list.h that this processor can run against plain loops in double, without Python:
 *
 *     driver          one line per instruction set and element type; the exit status is 1 if a kernel is wrong
 *     driver spoil    the same with one element of `sum`, `gap` or `before` changed after each kernel, or with one kernel
 *                     `missing` from each table: shows that the checks see it
 *
 * Operands end where memory that cannot be read begins; what a kernel may not write is compared bit by bit. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernels/kernels.h"
#include "kernels/list.h"

enum { GAP = 5, BEFORE = 3, AHEAD = 4096, SPREAD = 20, MAX_COUNT = 11 };

static const char *spoil = "";
static int wrong;

/* Memory for `size` bytes that ends where a page begins that cannot be accessed. */
static void *guarded(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (size + page - 1) / page * page;
    char *memory = mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + whole, page, PROT_NONE)) {
        perror("memory");
        exit(2);
    }
    return memory + whole - size;
}

static void release(void *memory, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (size + page - 1) / page * page;
    munmap((char *)memory + size - whole, whole + page);
}

/* A number between -1 and 1; the same ones in every run. */
static double number(void)
{
    static uint64_t state = 20;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(int64_t)(state >> 11) / (double)(1ll << 52) - 1;
}

#define REAL float
#define EPSILON 0x1p-23
#define NAME(x) x##_f32
#include "driver.h"

#define REAL double
#define EPSILON 0x1p-52
#define NAME(x) x##_f64
#include "driver.h"

int main(int count, char **arguments)
{
    int ran = 0;
    if (count > 1) spoil = arguments[1];
    for (int isa = 0; isa < convt_isa_count(); isa++) {
        if (!convt_isa_runs_here(isa)) {
            printf("%s: not on this processor\n", convt_isa_name(isa));
            continue;
        }
        check_table_f32(convt_isa_f32(isa));
        check_table_f64(convt_isa_f64(isa));
        ran++;
    }
    return wrong || !ran;
}
