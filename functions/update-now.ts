/** Lambda, for direct invocation: `{"project": id or path, "mirror": id or "pull", "confirm_deletions"?: true}` asks for an update of one mirror. */
import { wireUpdateNow } from './service-wiring.ts';
import { createService } from './shared-service.ts';
import { serviceSettings } from './wiring.ts';

/** Throws `invalid_arguments` for input that is not usable, naming the field; `not_found` where there is no such project or mirror. */
export const handler = wireUpdateNow(createService(serviceSettings({ queue: true, publicUrl: false })));
