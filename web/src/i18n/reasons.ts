import type { Messages } from './catalogue.ts';

/** Why a cell has its status, and why a check was refused. `detail`: what the reason names, where it reads as words. */
export const reasons = {
  'reason.RECORD_COUNTS': [
    'trained on the version that governs',
    'getraind op de versie die geldt',
    'formado en la versión que rige',
  ],
  'reason.NO_RECORD': ['no training record', 'geen registratie', 'sin registro de formación'],
  'reason.VERSION_SUPERSEDED': [
    'trained on v{{detail}}, which no longer governs',
    'getraind op v{{detail}}, die niet meer geldt',
    'formado en la v{{detail}}, que ya no rige',
  ],
  'reason.NEXT_VERSION_OPEN': [
    'v{{detail}} is coming and can be trained now',
    'v{{detail}} komt eraan en kan nu worden getraind',
    'la v{{detail}} está por llegar y ya puede formarse',
  ],
  'reason.CARRIED_FROM': [
    'carried forward from v{{detail}}',
    'overgedragen van v{{detail}}',
    'arrastrado desde la v{{detail}}',
  ],
  'reason.METHOD_MISSING': ['still missing: {{detail}}', 'nog nodig: {{detail}}', 'falta: {{detail}}'],
  'reason.EQUIVALENCE': [
    'credited for {{detail}}',
    'toegekend op grond van {{detail}}',
    'acreditado por {{detail}}',
  ],
  'reason.INTERVAL_OVER': ['the interval is over', 'de termijn is verstreken', 'el plazo ha vencido'],
  'reason.EXPIRES_SOON': ['expires soon', 'verloopt binnenkort', 'vence pronto'],
  'reason.NOTHING_GOVERNS': [
    'no version governs here',
    'hier geldt geen versie',
    'aquí no rige ninguna versión',
  ],
  'reason.NO_SOURCE': [
    'nothing requires it of this person',
    'niets vereist het van deze persoon',
    'nada lo exige a esta persona',
  ],
  'reason.NOT_EMPLOYED': ['not employed at that time', 'toen niet in dienst', 'sin empleo en ese momento'],
  'reason.EXEMPT': ['exempted', 'vrijgesteld', 'exento'],
  'reason.WAIVER': ['waived', 'ontheffing', 'dispensado'],
  'reason.RPL': ['prior learning recognised', 'eerder leren erkend', 'formación previa reconocida'],
  'reason.GRANDFATHERED': ['grandfathered', 'overgangsregeling', 'derechos adquiridos'],
  'reason.BOOTSTRAP': [
    'qualified when the plant began',
    'gekwalificeerd bij de start van de fabriek',
    'cualificado al iniciar la planta',
  ],
  'reason.RESTRICTION': ['restricted', 'met een beperking', 'con una restricción'],
  'reason.RETRAINING_ORDERED': [
    'retraining is ordered',
    'hertraining is opgedragen',
    'reentrenamiento ordenado',
  ],
  'reason.WAIVED': ['waived', 'ontheffing', 'dispensado'],
  'reason.SUPERVISED_ONLY': ['under supervision only', 'alleen onder toezicht', 'solo con supervisión'],
  'reason.NOT_REQUIRED': ['not required', 'niet vereist', 'no requerido'],
  'reason.PERSON_UNKNOWN': ['the person is not known', 'de persoon is niet bekend', 'persona desconocida'],
  'reason.TASK_UNKNOWN': ['the task is not known', 'de taak is niet bekend', 'tarea desconocida'],
  'reason.TASK_NOT_ACTIVE': ['the task is not active', 'de taak is niet actief', 'la tarea no está activa'],
  'reason.TASK_WITHOUT_ITEMS': [
    'the task has no required training',
    'voor de taak is geen training vereist',
    'la tarea no tiene formación requerida',
  ],
  'reason.ASSET_UNKNOWN': [
    'the equipment is not known',
    'de apparatuur is niet bekend',
    'equipo desconocido',
  ],
  'reason.ASSET_NOT_OF_TASK': [
    'the equipment does not belong to the task',
    'de apparatuur hoort niet bij de taak',
    'el equipo no pertenece a la tarea',
  ],
  'reason.ITEM_UNKNOWN': [
    'the document is not known',
    'het document is niet bekend',
    'documento desconocido',
  ],
} satisfies Messages;
