#include "daemon/cli.h"

int main(int argc, char** argv) {
  return driftwarden::daemon::RunCommandLine(argc, argv);
}
