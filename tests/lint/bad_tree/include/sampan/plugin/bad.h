// Breaks the include rule on purpose: the test of the rule counts what it finds here.
#include <vector>
