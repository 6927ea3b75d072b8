/* load origin --listen 127.0.0.1:PORT   serves; prints {"port":N} when it listens
 * load run --mode .. --work ..          loads; prints one JSON object at the end (works.c lists the options)
 */
#include "load.h"

#include <string.h>

int main(int argc, char **argv) {
    pattern_fill();
    if (argc > 1 && !strcmp(argv[1], "origin")) return run_origin(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "run")) return run_load(argc - 1, argv + 1);
    die("load origin|run ...");
}
