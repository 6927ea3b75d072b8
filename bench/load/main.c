/* load origin --listen 127.0.0.1:PORT   serves; prints {"port":N} when it listens
 * load run --mode .. --work ..          loads; prints one JSON object at the end (works.c lists the options)
 * load churn --proxy .. --count N       short connections that end in every way (churn.c)
 * load link --delay-ms ..               a slow link between two namespaces (link.c)
 */
#include "load.h"

#include <string.h>

int main(int argc, char **argv) {
    pattern_fill();
    if (argc > 1 && !strcmp(argv[1], "origin")) return run_origin(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "run")) return run_load(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "churn")) return run_churn(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "link")) return run_link(argc - 1, argv + 1);
    die("load origin|run|churn|link ...");
}
