/**
 * Worlds that once broke the guarantees, shrunk, by the property that they are of. Whoever changes what the numbers mean makes other worlds of
 * them: take the mend out, look for one that breaks in the same way, and put it here. The first five of `play` were found before worlds had
 * laps, as most of the others.
 */

export const pins: Record<'play' | 'replicas' | 'group', readonly number[][]> = {
  play: [
    // An actor crashes while the node takes a dead link of a device for alive, and the device is back on another.
    [494367, 806191, 231196],
    // An actor crashes before it has told a device, which was not welcomed yet, that its log was put back.
    [653749, 490489, 172207, 388221, 385296, 458396, 99989, 774291],
    // A group crashes, of which a member has told more while its record was written.
    [
      331359, 53908, 253910, 372300, 168797, 47387, 578598, 722719, 539856, 490499, 805598, 457786, 753823, 969561,
      231649, 18434, 270077, 385591,
    ],
    // The node dies before it has saved that a device came, and a program deletes a chat before that device is back.
    [
      517704, 997698, 622599, 897914, 350799, 565696, 648059, 712492, 478329, 517678, 995437, 238438, 350764, 102533,
      477426, 115897,
    ],
    // The same, where the actor of the user crashes.
    [923876, 623707, 221496, 717398, 794915, 42397, 948498, 74155, 490392, 599764, 675477, 63527, 16077, 704323],
    // A store is put back in which something stands again that a device knows as gone.
    [
      268001, 280009, 503506, 197609, 910804, 932819, 395605, 37221, 901910, 193597, 194412, 732143, 726124, 743681,
      184437, 798168, 343489, 505864, 352052, 32932, 251559, 18399, 714487, 214397, 394889,
    ],
    // A node dies before it has saved that a device came, and another device sends something before that one, which has nothing yet, is back.
    [
      56124, 328493, 380548, 13578, 405450, 360224, 751045, 41792, 420404, 281794, 587046, 272976, 479230, 629251,
      190569,
    ],
    // A store was put back, an actor crashes, and a device shows what was lost before another, which was welcomed already, is back.
    [
      396858, 161602, 704589, 248002, 550488, 308392, 692812, 461896, 656297, 990853, 340589, 306693, 804552, 439484,
      996191,
    ],
    // A group cannot be loaded for a message, and can for the next one, whose media is looked for meanwhile.
    [
      652353, 101806, 247901, 517291, 883904, 496908, 31906, 636902, 808698, 314608, 425516, 564701, 562602, 886803,
      340701, 809497, 281510, 12791, 575525, 467628, 558352, 541632, 373071,
    ],
  ],
  replicas: [
    // As the first with a program, on a store that knows no lives.
    [609052, 639498, 347952, 216609, 536611, 169198, 467047, 473259, 69192, 759064, 428979, 177040, 124468, 794431],
    // Somebody deletes a chat between the append of what they have sent and that of its copy for their other device.
    [619838, 568407, 840415, 477264, 76398, 84964],
    // A device leaves while the media of what it has sent is looked for, which fails then; behind that waits what it has sent next.
    [448478, 457700, 200108, 475309, 444915, 11253, 849667, 619083, 605671, 964908, 571301],
    // A member's actor cannot be loaded for a copy of a group's message, and can for the next one.
    [354363, 393499, 351108, 71101, 13521, 570051, 974933, 936691, 264871, 658933, 945468, 707239, 744573],
  ],
  group: [
    // Somebody comes back while copies of before are under way.
    [513355, 435680, 971840, 869280, 472640, 419900, 599792],
  ],
}
