#pragma once

// The command line: parsing (CLI11, hidden in cli.cpp) and dispatch to the verbs.

namespace driftwarden::daemon {

// The whole program; returns the exit code.
int RunCommandLine(int argc, char** argv);

}  // namespace driftwarden::daemon
