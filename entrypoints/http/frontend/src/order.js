// The order page: it shows by itself what happens to each photo.

import { follow } from "./live.js";
import { ready } from "./page.js";

follow();
ready();
